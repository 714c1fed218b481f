import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Security;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Date;

import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1GeneralizedTime;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1UTCTime;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.gm.GMObjectIdentifiers;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.ofdrw.gm.ses.v1.SES_ESPictrueInfo;
import org.ofdrw.gm.ses.v1.SES_Header;
import org.ofdrw.gm.ses.v1.SES_SignInfo;
import org.ofdrw.gm.ses.v4.CertInfoList;
import org.ofdrw.gm.ses.v4.SES_CertList;
import org.ofdrw.gm.ses.v4.SES_ESPropertyInfo;
import org.ofdrw.reader.OFDReader;
import org.ofdrw.sign.ExtendSignatureContainer;
import org.ofdrw.sign.OFDSigner;
import org.ofdrw.sign.SignMode;
import org.ofdrw.sign.signContainer.DigitalSignContainer;
import org.ofdrw.sign.signContainer.GBT35275DSContainer;
import org.ofdrw.sign.signContainer.GBT35275PKCS9DSContainer;
import org.ofdrw.sign.signContainer.SESV1Container;
import org.ofdrw.sign.signContainer.SESV4Container;
import org.ofdrw.sign.stamppos.NormalStampPos;
import org.ofdrw.sign.stamppos.RidingStampPos;
import org.ofdrw.sign.stamppos.Side;
import org.ofdrw.sign.verify.OFDValidator;
import org.ofdrw.sign.verify.SignedDataValidateContainer;
import org.ofdrw.sign.verify.container.DigitalValidateContainer;
import org.ofdrw.sign.verify.container.GBT35275ValidateContainer;
import org.ofdrw.sign.verify.container.SESV1ValidateContainer;
import org.ofdrw.sign.verify.container.SESV4ValidateContainer;

/**
 * What ofdrw makes of our OFD files, and files that it makes for us. A question is a
 * line of words with tabs between; the answer ends with "good", "refused: why", or
 * "failed: why" where the question could not be put.
 *
 * <pre>
 * verify FILE 1|4|gbt|bare [CERT]
 * esl SEAL                                         the maker's signature on a V4 seal
 * seal 1|4 OUT MAKER-KEY MAKER-CERT SIGNER-CERT PNG
 * sign IN OUT 1|4|gbt|gbt9|bare whole|continue SEAL KEY CERT [page X Y W H] ... [left|right W H]
 * </pre>
 */
public final class Witness {
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, true, "UTF-8");
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            try {
                answer(line.split("\t"), answers);
                answers.println("good");
            } catch (IllegalArgumentException | IOException e) {
                answers.println("failed: " + e);
            } catch (Exception e) {
                answers.println("refused: " + e.getClass().getSimpleName() + ": " + e.getMessage());
            }
        }
    }

    private static void answer(String[] a, PrintStream out) throws Exception {
        switch (a[0]) {
            case "verify": verify(a); break;
            case "esl": esl(Paths.get(a[1]), out); break;
            case "seal": seal(a); break;
            case "sign": sign(a); break;
            default: throw new IllegalArgumentException(a[0]);
        }
    }

    private static void verify(String[] a) throws Exception {
        try (OFDReader reader = new OFDReader(Paths.get(a[1])); OFDValidator validator = new OFDValidator(reader)) {
            validator.setValidator(validator(a));
            validator.exeValidate();
        }
    }

    private static SignedDataValidateContainer validator(String[] a) throws Exception {
        switch (a[2]) {
            case "1": return new SESV1ValidateContainer();
            case "4": return new SESV4ValidateContainer();
            case "gbt": return new GBT35275ValidateContainer();
            case "bare": return new DigitalValidateContainer(certificate(Files.readAllBytes(Paths.get(a[3]))).getPublicKey());
            default: throw new IllegalArgumentException(a[2]);
        }
    }

    private static void esl(Path file, PrintStream out) throws Exception {
        org.ofdrw.gm.ses.v4.SESeal seal = org.ofdrw.gm.ses.v4.SESeal.getInstance(Files.readAllBytes(file));
        Certificate maker = certificate(seal.getCert().getOctets());
        Signature s = Signature.getInstance("SM3withSM2", "BC");
        s.initVerify(maker.getPublicKey());
        s.update(seal.geteSealInfo().getEncoded("DER"));
        if (!s.verify(seal.getSignedValue().getOctets())) {
            throw new IllegalStateException("the maker's signature does not verify");
        }
        out.println(seal.geteSealInfo().getEsID().getString() + " " + seal.geteSealInfo().getProperty().getName().getString());
    }

    private static void seal(String[] a) throws Exception {
        PrivateKey key = key(a[3]);
        Certificate maker = certificate(Files.readAllBytes(Paths.get(a[4])));
        byte[] signer = Files.readAllBytes(Paths.get(a[5]));
        SES_ESPictrueInfo picture = new SES_ESPictrueInfo().setType("PNG").setData(Files.readAllBytes(Paths.get(a[6]))).setWidth(40).setHeight(40);
        Date from = new Date(System.currentTimeMillis() - 3_600_000L), to = new Date(System.currentTimeMillis() + 86_400_000L);
        byte[] der = a[1].equals("1") ? sealV1(key, maker, signer, picture, from, to) : sealV4(key, maker, signer, picture, from, to);
        Files.write(Paths.get(a[2]), der);
    }

    private static byte[] sealV1(PrivateKey key, Certificate maker, byte[] signer, SES_ESPictrueInfo picture, Date from, Date to) throws Exception {
        org.ofdrw.gm.ses.v1.SES_ESPropertyInfo property = new org.ofdrw.gm.ses.v1.SES_ESPropertyInfo()
            .setType(org.ofdrw.gm.ses.v1.SES_ESPropertyInfo.OrgType).setName("他人印章").setCertList(new DERSequence(new DEROctetString(signer)))
            .setCreateDate(new ASN1UTCTime(from)).setValidStart(new ASN1UTCTime(from)).setValidEnd(new ASN1UTCTime(to));
        org.ofdrw.gm.ses.v1.SES_SealInfo info = new org.ofdrw.gm.ses.v1.SES_SealInfo()
            .setHeader(new SES_Header().setVersion(1).setVid("OFDRW")).setEsID("52000000009901").setProperty(property).setPicture(picture);
        ASN1EncodableVector signed = new ASN1EncodableVector(3);
        signed.add(info);
        signed.add(new DEROctetString(maker.getEncoded()));
        signed.add(GMObjectIdentifiers.sm2sign_with_sm3);
        SES_SignInfo sign = new SES_SignInfo().setCert(new DEROctetString(maker.getEncoded()))
            .setSignatureAlgorithm(GMObjectIdentifiers.sm2sign_with_sm3).setSignData(signature(key, new DERSequence(signed).getEncoded("DER")));
        return new org.ofdrw.gm.ses.v1.SESeal(info, sign).getEncoded("DER");
    }

    private static byte[] sealV4(PrivateKey key, Certificate maker, byte[] signer, SES_ESPictrueInfo picture, Date from, Date to) throws Exception {
        SES_ESPropertyInfo property = new SES_ESPropertyInfo().setType(new org.bouncycastle.asn1.ASN1Integer(1)).setName(new DERUTF8String("他人印章"))
            .setCertListType(SES_ESPropertyInfo.CertListType).setCertList(new SES_CertList(new CertInfoList(new ASN1OctetString[] {new DEROctetString(signer)})))
            .setCreateDate(new ASN1GeneralizedTime(from)).setValidStart(new ASN1GeneralizedTime(from)).setValidEnd(new ASN1GeneralizedTime(to));
        org.ofdrw.gm.ses.v4.SES_SealInfo info = new org.ofdrw.gm.ses.v4.SES_SealInfo()
            .setHeader(new SES_Header(SES_Header.V4, new org.bouncycastle.asn1.DERIA5String("OFDRW"))).setEsID("52000000009904").setProperty(property).setPicture(picture);
        return new org.ofdrw.gm.ses.v4.SESeal().seteSealInfo(info).setCert(maker).setSignAlgID(GMObjectIdentifiers.sm2sign_with_sm3)
            .setSignedValue(signature(key, info.getEncoded("DER"))).getEncoded("DER");
    }

    private static void sign(String[] a) throws Exception {
        ExtendSignatureContainer container = container(a[3], Paths.get(a[5]), key(a[6]), certificate(Files.readAllBytes(Paths.get(a[7]))));
        try (OFDReader reader = new OFDReader(Paths.get(a[1])); OFDSigner signer = new OFDSigner(reader, Paths.get(a[2]))) {
            signer.setSignMode(a[4].equals("whole") ? SignMode.WholeProtected : SignMode.ContinueSign);
            signer.setSignContainer(container);
            for (int i = 8; i < a.length;) {
                if (a[i].equals("left") || a[i].equals("right")) {
                    signer.addApPos(new RidingStampPos(a[i].equals("left") ? Side.Left : Side.Right, number(a[i + 1]), number(a[i + 2])));
                    i += 3;
                } else {
                    signer.addApPos(new NormalStampPos(Integer.parseInt(a[i]), number(a[i + 1]), number(a[i + 2]), number(a[i + 3]), number(a[i + 4])));
                    i += 5;
                }
            }
            signer.exeSign();
        }
    }

    private static ExtendSignatureContainer container(String kind, Path seal, PrivateKey key, Certificate cert) throws Exception {
        switch (kind) {
            case "1": return new SESV1Container(key, org.ofdrw.gm.ses.v1.SESeal.getInstance(Files.readAllBytes(seal)), cert);
            case "4": return new SESV4Container(key, org.ofdrw.gm.ses.v4.SESeal.getInstance(Files.readAllBytes(seal)), cert);
            case "gbt": return new GBT35275DSContainer(cert, key);
            case "gbt9": return new GBT35275PKCS9DSContainer(cert, key);
            case "bare": return new DigitalSignContainer(key);
            default: throw new IllegalArgumentException(kind);
        }
    }

    private static byte[] signature(PrivateKey key, byte[] message) throws Exception {
        Signature s = Signature.getInstance("SM3withSM2", "BC");
        s.initSign(key);
        s.update(message);
        return s.sign();
    }

    private static PrivateKey key(String file) throws Exception {
        return KeyFactory.getInstance("EC", "BC").generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(Paths.get(file))));
    }

    private static Certificate certificate(byte[] der) throws Exception {
        return CertificateFactory.getInstance("X.509", "BC").generateCertificate(new ByteArrayInputStream(der));
    }

    private static double number(String s) {
        return Double.parseDouble(s);
    }
}
