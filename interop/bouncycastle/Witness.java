import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.Security;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.gm.GMObjectIdentifiers;
import org.bouncycastle.asn1.oiw.OIWObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cert.ocsp.BasicOCSPResp;
import org.bouncycastle.cert.ocsp.CertificateID;
import org.bouncycastle.cert.ocsp.OCSPResp;
import org.bouncycastle.cert.ocsp.RevokedStatus;
import org.bouncycastle.cert.ocsp.SingleResp;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.jcajce.JcaSignerInfoVerifierBuilder;
import org.bouncycastle.jcajce.PKIXExtendedParameters;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.tsp.TSPException;
import org.bouncycastle.tsp.TimeStampRequest;
import org.bouncycastle.tsp.TimeStampResponse;
import org.bouncycastle.tsp.TimeStampToken;

/**
 * What BouncyCastle makes of our certificates, lists, answers and tokens. It prints
 * what it read, and last "good" where it holds the thing for good, or "refused: " and
 * the reason. Files are DER. Without arguments it answers one question a line, whose
 * parts stand between tabs, so that a Java starts once for many.
 */
public final class Witness {
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        if (args.length > 0) {
            System.exit(judge(Arrays.asList(args)) ? 0 : 1);
        }
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            judge(Arrays.asList(line.split("\t")));
        }
    }

    private static boolean judge(List<String> question) {
        String verdict = "good";
        try {
            List<String> rest = question.subList(1, question.size());
            switch (question.get(0)) {
                case "path" -> path(rest);
                case "crl" -> crl(rest);
                case "ocsp" -> ocsp(rest);
                case "token" -> token(rest);
                case "request" -> request(rest);
                case "certificates" -> certificates(rest);
                default -> throw new IllegalArgumentException(question.get(0));
            }
        } catch (Refused | CertPathValidatorException e) {
            verdict = "refused: " + e.getMessage();
        } catch (Exception e) {
            verdict = "failed: " + e;
        }
        System.out.println(verdict.replace('\n', ' '));
        return verdict.equals("good");
    }

    private static final class Refused extends Exception {
        Refused(String why) {
            super(why);
        }
    }

    private static void must(boolean holds, String what) throws Refused {
        if (!holds) {
            throw new Refused(what);
        }
    }

    private static byte[] read(String name) throws Exception {
        return Files.readAllBytes(Path.of(name));
    }

    private static CertificateFactory factory() throws Exception {
        return CertificateFactory.getInstance("X.509", "BC");
    }

    private static X509Certificate certificate(String name) throws Exception {
        return (X509Certificate) factory().generateCertificate(new ByteArrayInputStream(read(name)));
    }

    /**
     * path TIME ROOT [CRL...] -- LEAF [ISSUER...]: RFC 5280 6, revocation by the lists if
     * there are any; deltas among them are used for the full lists that they are for.
     */
    private static void path(List<String> args) throws Exception {
        int cut = args.indexOf("--");
        List<X509Certificate> chain = new ArrayList<>();
        for (String name : args.subList(cut + 1, args.size())) {
            chain.add(certificate(name));
        }
        List<Object> lists = new ArrayList<>();
        for (String name : args.subList(2, cut)) {
            lists.add(factory().generateCRL(new ByteArrayInputStream(read(name))));
        }
        PKIXParameters p = new PKIXParameters(Set.of(new TrustAnchor(certificate(args.get(1)), null)));
        p.setDate(Date.from(Instant.parse(args.get(0))));
        p.setRevocationEnabled(!lists.isEmpty());
        lists.addAll(chain);
        p.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(lists), "BC"));
        PKIXExtendedParameters withDeltas = new PKIXExtendedParameters.Builder(p).setUseDeltasEnabled(true).build();
        CertPathValidator.getInstance("PKIX", "BC").validate(factory().generateCertPath(chain), withDeltas);
        System.out.println("subject: " + chain.get(0).getSubjectX500Principal());
    }

    /** crl LIST ISSUER SERIAL: the signature, and whether the serial stands in it. */
    private static void crl(List<String> args) throws Exception {
        X509CRL list = (X509CRL) factory().generateCRL(new ByteArrayInputStream(read(args.get(0))));
        try {
            list.verify(certificate(args.get(1)).getPublicKey(), "BC");
        } catch (java.security.SignatureException e) {
            throw new Refused("signature");
        }
        BigInteger serial = new BigInteger(args.get(2), 16);
        System.out.println("entries: " + (list.getRevokedCertificates() == null ? 0 : list.getRevokedCertificates().size()));
        System.out.println("critical: " + list.getCriticalExtensionOIDs());
        var entry = list.getRevokedCertificate(serial);
        System.out.println("serial: " + (entry == null ? "absent" : "revoked " + entry.getRevocationReason()));
    }

    /** ocsp ANSWER ISSUER SERIAL HASH TIME: the answer for one certificate, by a responder that the issuer named. */
    private static void ocsp(List<String> args) throws Exception {
        OCSPResp outer = new OCSPResp(read(args.get(0)));
        must(outer.getStatus() == OCSPResp.SUCCESSFUL, "status " + outer.getStatus());
        BasicOCSPResp answer = (BasicOCSPResp) outer.getResponseObject();
        X509CertificateHolder issuer = new JcaX509CertificateHolder(certificate(args.get(1)));
        JcaContentVerifierProviderBuilder by = new JcaContentVerifierProviderBuilder().setProvider("BC");
        X509CertificateHolder[] inside = answer.getCerts();
        must(inside.length >= 1, "no responder's certificate");
        X509CertificateHolder responder = inside[0];
        Date at = Date.from(Instant.parse(args.get(4)));
        must(responder.isSignatureValid(by.build(issuer)), "the responder is not the issuer's");
        must(responder.isValidOn(at), "the responder's certificate has ended");
        must(ExtendedKeyUsage.fromExtensions(responder.getExtensions()).hasKeyPurposeId(KeyPurposeId.id_kp_OCSPSigning), "the responder is not for OCSP");
        must(responder.getExtension(new ASN1ObjectIdentifier("1.3.6.1.5.5.7.48.1.5")) != null, "no ocsp-nocheck");
        must(answer.isSignatureValid(by.build(responder)), "the answer's signature");
        must(answer.getResponses().length == 1, "it speaks for " + answer.getResponses().length);
        SingleResp one = answer.getResponses()[0];
        AlgorithmIdentifier hash = switch (args.get(3)) {
            case "sha1" -> new AlgorithmIdentifier(OIWObjectIdentifiers.idSHA1);
            case "sm3" -> new AlgorithmIdentifier(GMObjectIdentifiers.sm3);
            default -> throw new IllegalArgumentException(args.get(3));
        };
        DigestCalculatorProvider digests = new JcaDigestCalculatorProviderBuilder().setProvider("BC").build();
        CertificateID wanted = new CertificateID(digests.get(hash), issuer, new BigInteger(args.get(2), 16));
        must(wanted.equals(one.getCertID()), "it speaks for another certificate");
        must(!one.getThisUpdate().after(at) && one.getNextUpdate().after(at), "it speaks for another time");
        Object status = one.getCertStatus();
        if (status == null) {
            System.out.println("status: good");
        } else if (status instanceof RevokedStatus revoked) {
            System.out.println("status: revoked " + revoked.getRevocationTime().toInstant() + (revoked.hasRevocationReason() ? " " + revoked.getRevocationReason() : ""));
        } else {
            System.out.println("status: unknown");
        }
        Extension nonce = answer.getExtension(new ASN1ObjectIdentifier("1.3.6.1.5.5.7.48.1.2"));
        System.out.println("nonce: " + (nonce == null ? "none" : HexFormat.of().formatHex(nonce.getExtnValue().getOctets())));
    }

    /**
     * token QUERY REPLY ISSUER DATA [AUTHORITY]: the reply is one to the query (RFC 3161
     * 2.4.2), over SM3 of the data, by a certificate that the issuer signed: the one in
     * the token, or where it has none the one that is given.
     */
    private static void token(List<String> args) throws Exception {
        TimeStampResponse reply = new TimeStampResponse(read(args.get(1)));
        TimeStampToken token = reply.getTimeStampToken();
        must(token != null, "no token: " + reply.getStatusString());
        try {
            reply.validate(new TimeStampRequest(read(args.get(0))));
            X509CertificateHolder signer = signer(token, args.subList(4, args.size()));
            JcaContentVerifierProviderBuilder by = new JcaContentVerifierProviderBuilder().setProvider("BC");
            must(signer.isSignatureValid(by.build(certificate(args.get(2)))), "the authority's certificate is not the issuer's");
            token.validate(new JcaSignerInfoVerifierBuilder(new JcaDigestCalculatorProviderBuilder().setProvider("BC").build()).setProvider("BC").build(signer));
        } catch (TSPException e) {
            throw new Refused(e.getMessage());
        }
        byte[] imprint = MessageDigest.getInstance("SM3", "BC").digest(read(args.get(3)));
        must(Arrays.equals(imprint, token.getTimeStampInfo().getMessageImprintDigest()), "another imprint");
        System.out.println("time: " + token.getTimeStampInfo().getGenTime().toInstant());
        System.out.println("nonce: " + token.getTimeStampInfo().getNonce());
        System.out.println("policy: " + token.getTimeStampInfo().getPolicy());
    }

    @SuppressWarnings("unchecked") // SignerId is a Selector of nothing in particular
    private static X509CertificateHolder signer(TimeStampToken token, List<String> given) throws Exception {
        List<X509CertificateHolder> inside = new ArrayList<>(token.getCertificates().getMatches(token.getSID()));
        System.out.println("certificates: " + inside.size());
        if (!given.isEmpty()) {
            must(inside.isEmpty(), "the token has a certificate");
            return new JcaX509CertificateHolder(certificate(given.get(0)));
        }
        must(inside.size() == 1, inside.size() + " signers");
        return inside.get(0);
    }

    /** request CSR: the proof of possession. */
    private static void request(List<String> args) throws Exception {
        PKCS10CertificationRequest request = new PKCS10CertificationRequest(read(args.get(0)));
        must(request.isSignatureValid(new JcaContentVerifierProviderBuilder().setProvider("BC").build(request.getSubjectPublicKeyInfo())), "proof of possession");
        System.out.println("subject: " + request.getSubject());
    }

    /** certificates CMS: those of a certs-only SignedData, as EST sends them (RFC 7030 4.1.3). */
    private static void certificates(List<String> args) throws Exception {
        CMSSignedData data = new CMSSignedData(read(args.get(0)));
        must(data.getSignerInfos().size() == 0, "it is signed");
        for (X509CertificateHolder c : data.getCertificates().getMatches(null)) {
            System.out.println("certificate: " + c.getSubject());
        }
    }
}
