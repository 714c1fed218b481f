import java.io.ByteArrayInputStream;
import java.math.BigInteger;
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
import org.bouncycastle.cms.jcajce.JcaSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.TimeStampResponse;
import org.bouncycastle.tsp.TimeStampToken;

/**
 * What BouncyCastle makes of our certificates, lists, answers and tokens. Prints
 * what it read, and ends with 0 where it holds the thing for good, with 1 and
 * the reason where it refuses. Files are DER.
 */
public final class Witness {
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        List<String> rest = Arrays.asList(args).subList(1, args.length);
        try {
            switch (args[0]) {
                case "path" -> path(rest);
                case "crl" -> crl(rest);
                case "ocsp" -> ocsp(rest);
                case "token" -> token(rest);
                default -> throw new IllegalArgumentException(args[0]);
            }
        } catch (Refused | CertPathValidatorException e) {
            System.out.println("refused: " + e.getMessage());
            System.exit(1);
        }
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

    /** path TIME ROOT [CRL...] -- LEAF [ISSUER...]: RFC 5280 6, revocation by the lists if there are any. */
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
        CertPathValidator.getInstance("PKIX", "BC").validate(factory().generateCertPath(chain), p);
        System.out.println("good: " + chain.get(0).getSubjectX500Principal());
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

    /** token REPLY ISSUER DATA: a time-stamp reply over SM3 of the data, by a certificate in it that the issuer signed. */
    private static void token(List<String> args) throws Exception {
        TimeStampResponse reply = new TimeStampResponse(read(args.get(0)));
        TimeStampToken token = reply.getTimeStampToken();
        must(token != null, "no token: " + reply.getStatusString());
        X509CertificateHolder issuer = new JcaX509CertificateHolder(certificate(args.get(1)));
        JcaContentVerifierProviderBuilder by = new JcaContentVerifierProviderBuilder().setProvider("BC");
        List<X509CertificateHolder> signers = new ArrayList<>(token.getCertificates().getMatches(token.getSID()));
        must(signers.size() == 1, signers.size() + " signers");
        must(signers.get(0).isSignatureValid(by.build(issuer)), "the authority's certificate is not the issuer's");
        try {
            token.validate(new JcaSignerInfoVerifierBuilder(new JcaDigestCalculatorProviderBuilder().setProvider("BC").build()).setProvider("BC").build(signers.get(0)));
        } catch (org.bouncycastle.tsp.TSPException e) {
            throw new Refused(e.getMessage());
        }
        byte[] imprint = MessageDigest.getInstance("SM3", "BC").digest(read(args.get(2)));
        must(Arrays.equals(imprint, token.getTimeStampInfo().getMessageImprintDigest()), "another imprint");
        System.out.println("time: " + token.getTimeStampInfo().getGenTime().toInstant());
        System.out.println("nonce: " + token.getTimeStampInfo().getNonce());
    }
}
