import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Paths;

import javax.imageio.ImageIO;

import org.ofdrw.converter.ImageMaker;
import org.ofdrw.reader.OFDReader;

/**
 * The pages of an OFD as ofdrw shows them. A question is "FILE tab FOLDER tab PIXELS-PER-MM";
 * the answer is how many pages now lie in the folder as 0.png, 1.png and so on, then "good",
 * or "failed: why".
 */
public final class Witness {
    public static void main(String[] args) throws Exception {
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, true, "UTF-8");
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            String[] a = line.split("\t");
            try (OFDReader reader = new OFDReader(Paths.get(a[0]))) {
                ImageMaker maker = new ImageMaker(reader, Double.parseDouble(a[2]));
                for (int i = 0; i < maker.pageSize(); i++) {
                    ImageIO.write(maker.makePage(i), "PNG", Paths.get(a[1], i + ".png").toFile());
                }
                answers.println(maker.pageSize());
                answers.println("good");
            } catch (Exception e) {
                answers.println("failed: " + e);
            }
        }
    }
}
