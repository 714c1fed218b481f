import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.util.Arrays;

import org.apache.pdfbox.Loader;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.PDSignature;
import org.apache.pdfbox.pdmodel.interactive.form.PDSignatureField;

/**
 * What PDFBox reads of our PDF stamps. A question is a file's path; the answer is a
 * line for each signature, with tabs between: field, number of widgets, filter, sub-filter, byte range, and
 * the SHA-256 of the octets that it covers and of its token. It ends with "good", or
 * "refused: why".
 */
public final class Witness {
    public static void main(String[] args) throws Exception {
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, true, "UTF-8");
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            try {
                list(new File(line), answers);
                answers.println("good");
            } catch (Exception e) {
                answers.println("refused: " + e);
            }
        }
    }

    private static void list(File file, PrintStream out) throws Exception {
        byte[] octets = Files.readAllBytes(file.toPath());
        try (PDDocument document = Loader.loadPDF(octets)) {
            for (PDSignatureField field : document.getSignatureFields()) {
                PDSignature s = field.getSignature();
                if (s == null) {
                    continue;
                }
                out.println(String.join("\t", field.getFullyQualifiedName(), Integer.toString(field.getWidgets().size()), s.getFilter(), s.getSubFilter(),
                    Arrays.toString(s.getByteRange()), sha256(s.getSignedContent(octets)), sha256(s.getContents(octets))));
            }
        }
    }

    private static String sha256(byte[] b) throws Exception {
        StringBuilder hex = new StringBuilder();
        for (byte x : MessageDigest.getInstance("SHA-256").digest(b)) {
            hex.append(String.format("%02x", x));
        }
        return hex.toString();
    }
}
