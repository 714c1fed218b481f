import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.TreeSet;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.Logger;

import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/**
 * Holds files against PDF/A and PDF/UA. A question is a path, a tab and a flavour ("1b", "2b", "ua1",
 * or "own" for the one that the file claims). The answer is a line for each rule that is broken, then
 * "good" or "refused: not compliant"; "failed: why" where the question could not be put.
 */
public final class Witness {
    public static void main(String[] args) throws Exception {
        LogManager.getLogManager().reset();
        Logger.getLogger("").setLevel(Level.OFF);
        VeraGreenfieldFoundryProvider.initialise();
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, true, "UTF-8");
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            String[] q = line.split("\t");
            try {
                answers.println(holds(q[0], q[1], answers) ? "good" : "refused: not compliant");
            } catch (Exception e) {
                answers.println("failed: " + e);
            }
        }
    }

    private static boolean holds(String path, String flavour, PrintStream out) throws Exception {
        try (FileInputStream in = new FileInputStream(path);
             PDFAParser parser = flavour.equals("own") ? Foundries.defaultInstance().createParser(in)
                 : Foundries.defaultInstance().createParser(in, PDFAFlavour.fromString(flavour));
             PDFAValidator validator = Foundries.defaultInstance().createValidator(parser.getFlavour(), false)) {
            ValidationResult result = validator.validate(parser);
            TreeSet<String> broken = new TreeSet<>();
            for (TestAssertion a : result.getTestAssertions()) {
                broken.add(parser.getFlavour() + " " + a.getRuleId().getClause() + " " + a.getRuleId().getTestNumber() + ": " + a.getMessage());
            }
            broken.forEach(out::println);
            return result.isCompliant();
        }
    }
}
