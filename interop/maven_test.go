package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"yinxin/internal/testlong"
)

// mavenWitness builds the project of a folder and starts its Witness.
func mavenWitness(folder string) (*javaWitness, error) {
	// Kept: the next run builds what changed. Maven asks its registry the first time alone.
	dir := filepath.Join(os.TempDir(), "yinxin-"+folder+"-witness")
	if out, err := exec.Command("mvn", "-q", "-B", "-f", filepath.Join(folder, "pom.xml"), "-Dtarget="+dir, "package").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return startJava("-XX:TieredStopAtLevel=1", "-cp", filepath.Join(dir, "classes")+":"+filepath.Join(dir, "lib", "*"), "Witness")
}

func needsMaven(t testing.TB) {
	t.Helper()
	testlong.Tool(t, "mvn", "maven")
	testlong.Tool(t, "javac", "default-jdk-headless")
}
