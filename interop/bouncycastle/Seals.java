import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.security.SignatureException;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.List;

import org.bouncycastle.asn1.ASN1BitString;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1IA5String;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1TaggedObject;
import org.bouncycastle.asn1.ASN1UTF8String;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.gm.GMObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.CMSException;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationVerifier;
import org.bouncycastle.cms.jcajce.JcaSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.TSPException;
import org.bouncycastle.tsp.TimeStampToken;

/**
 * What BouncyCastle makes of our seals and stamps. A question is a line of words with tabs
 * between; the answer ends with "good", or "refused: " and why. It knows CMS and RFC 3161
 * by itself; of GB/T 38540 it gets the members by their place, and checks each signature
 * over the octets as they came. ISSUER is the authority of all certificates.
 *
 * <pre>
 * seal SESEAL ISSUER
 * stamp SES_SIGNATURE DATA ISSUER
 * signed SIGNEDDATA DATA ISSUER SEAL-ATTRIBUTE
 * </pre>
 */
public final class Seals {
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            System.out.println(judge(line.split("\t")).replace('\n', ' '));
        }
    }

    private static String judge(String[] a) {
        try {
            switch (a[0]) {
                case "seal" -> seal(ASN1Sequence.getInstance(read(a[1])), certificate(read(a[2])));
                case "stamp" -> stamp(ASN1Sequence.getInstance(read(a[1])), read(a[2]), certificate(read(a[3])));
                case "signed" -> signed(read(a[1]), read(a[2]), certificate(read(a[3])), new ASN1ObjectIdentifier(a[4]));
                default -> {
                    return "failed: " + a[0];
                }
            }
            return "good";
        } catch (Refused | SignatureException | IllegalArgumentException e) {
            return "refused: " + e.getMessage();
        } catch (Exception e) {
            return "failed: " + e;
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

    private static X509CertificateHolder certificate(byte[] der) throws Exception {
        return new X509CertificateHolder(der);
    }

    private static byte[] sm3(byte[] data) throws Exception {
        return MessageDigest.getInstance("SM3", "BC").digest(data);
    }

    private static void verify(X509CertificateHolder by, byte[] message, ASN1Encodable value, String what) throws Exception {
        PublicKey key = new JcaX509CertificateConverter().setProvider("BC").getCertificate(by).getPublicKey();
        Signature s = Signature.getInstance("SM3WITHSM2", "BC");
        s.initVerify(key);
        s.update(message);
        must(s.verify(ASN1BitString.getInstance(value).getOctets()), what);
    }

    private static void issued(X509CertificateHolder by, X509CertificateHolder issuer, String what) throws Exception {
        must(by.isSignatureValid(new JcaContentVerifierProviderBuilder().setProvider("BC").build(issuer)), what);
    }

    private static byte[] octets(ASN1Encodable e) {
        return ASN1OctetString.getInstance(e).getOctets();
    }

    /** The maker's signature is over the whole TLV of eSealInfo. It gives the certificates that may stamp. */
    private static ASN1Sequence seal(ASN1Sequence seal, X509CertificateHolder issuer) throws Exception {
        must(seal.size() == 4, "a seal of " + seal.size() + " members");
        ASN1Sequence info = ASN1Sequence.getInstance(seal.getObjectAt(0));
        X509CertificateHolder maker = certificate(octets(seal.getObjectAt(1)));
        issued(maker, issuer, "the seal maker's certificate is not the issuer's");
        must(GMObjectIdentifiers.sm2sign_with_sm3.equals(seal.getObjectAt(2)), "the seal's algorithm");
        verify(maker, info.getEncoded(), seal.getObjectAt(3), "the seal maker's signature");
        ASN1Sequence header = ASN1Sequence.getInstance(info.getObjectAt(0));
        must(ASN1IA5String.getInstance(header.getObjectAt(0)).getString().equals("ES"), "the header");
        ASN1Sequence property = ASN1Sequence.getInstance(info.getObjectAt(2));
        must(ASN1Integer.getInstance(property.getObjectAt(2)).hasValue(1), "certListType");
        System.out.println("seal: " + ASN1IA5String.getInstance(info.getObjectAt(1)).getString() + " " + ASN1UTF8String.getInstance(property.getObjectAt(1)).getString());
        System.out.println("version: " + ASN1Integer.getInstance(header.getObjectAt(1)));
        return ASN1Sequence.getInstance(property.getObjectAt(3));
    }

    private static void mayStamp(ASN1Sequence certificates, byte[] signer) throws Refused {
        for (Enumeration<?> e = certificates.getObjects(); e.hasMoreElements();) {
            if (Arrays.equals(octets((ASN1Encodable) e.nextElement()), signer)) {
                return;
            }
        }
        throw new Refused("the signer is not in the seal");
    }

    private static void stamp(ASN1Sequence stamp, byte[] data, X509CertificateHolder issuer) throws Exception {
        ASN1Sequence tbs = ASN1Sequence.getInstance(stamp.getObjectAt(0));
        byte[] signer = octets(stamp.getObjectAt(1));
        must(GMObjectIdentifiers.sm2sign_with_sm3.equals(stamp.getObjectAt(2)), "the stamp's algorithm");
        verify(certificate(signer), tbs.getEncoded(), stamp.getObjectAt(3), "the stamp's signature");
        issued(certificate(signer), issuer, "the signer's certificate is not the issuer's");
        mayStamp(seal(ASN1Sequence.getInstance(tbs.getObjectAt(1)), issuer), signer);
        must(Arrays.equals(ASN1BitString.getInstance(tbs.getObjectAt(3)).getOctets(), sm3(data)), "another document");
        System.out.println("property: " + ASN1IA5String.getInstance(tbs.getObjectAt(4)).getString());
        ASN1TaggedObject time = ASN1TaggedObject.getInstance(stamp.getObjectAt(4));
        must(time.getTagNo() == 0, "the time-stamp's tag");
        byte[] token = ASN1BitString.getInstance(time, true).getOctets();
        timeStamp(token, ASN1BitString.getInstance(stamp.getObjectAt(3)).getOctets(), issuer);
    }

    private static void timeStamp(byte[] der, byte[] over, X509CertificateHolder issuer) throws Exception {
        try {
            TimeStampToken token = new TimeStampToken(new CMSSignedData(der));
            X509CertificateHolder authority = (X509CertificateHolder) token.getCertificates().getMatches(token.getSID()).iterator().next();
            issued(authority, issuer, "the time-stamp authority's certificate is not the issuer's");
            token.validate(verifier(authority));
            must(Arrays.equals(token.getTimeStampInfo().getMessageImprintDigest(), sm3(over)), "the time-stamp is of another signature");
            System.out.println("time: " + token.getTimeStampInfo().getGenTime().toInstant());
        } catch (TSPException e) {
            throw new Refused("the time-stamp: " + e.getMessage());
        }
    }

    private static SignerInformationVerifier verifier(X509CertificateHolder by) throws Exception {
        return new JcaSignerInfoVerifierBuilder(new JcaDigestCalculatorProviderBuilder().setProvider("BC").build()).setProvider("BC").build(by);
    }

    private static void signed(byte[] der, byte[] data, X509CertificateHolder issuer, ASN1ObjectIdentifier sealAttribute) throws Exception {
        CMSSignedData cms = new CMSSignedData(new CMSProcessableByteArray(data), der);
        List<SignerInformation> signers = List.copyOf(cms.getSignerInfos().getSigners());
        must(signers.size() == 1, signers.size() + " signers");
        SignerInformation signer = signers.get(0);
        X509CertificateHolder by = (X509CertificateHolder) cms.getCertificates().getMatches(signer.getSID()).iterator().next();
        try {
            must(signer.verify(verifier(by)), "the signature");
        } catch (CMSException e) {
            throw new Refused(e.getMessage());
        }
        issued(by, issuer, "the signer's certificate is not the issuer's");
        for (ASN1ObjectIdentifier id : List.of(PKCSObjectIdentifiers.pkcs_9_at_contentType, PKCSObjectIdentifiers.pkcs_9_at_messageDigest, PKCSObjectIdentifiers.id_aa_signingCertificateV2, sealAttribute)) {
            must(signer.getSignedAttributes().get(id) != null, "no signed attribute " + id);
        }
        mayStamp(seal(ASN1Sequence.getInstance(signer.getSignedAttributes().get(sealAttribute).getAttributeValues()[0]), issuer), by.getEncoded());
        Attribute time = signer.getUnsignedAttributes().get(PKCSObjectIdentifiers.id_aa_signatureTimeStampToken);
        must(time != null, "no time-stamp");
        timeStamp(time.getAttributeValues()[0].toASN1Primitive().getEncoded(), signer.getSignature(), issuer);
    }
}
