package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// batchDocument is a file to be sealed. Its name is the path below the folder that
// was given, with slashes, and is that of the output.
type batchDocument struct{ path, name string }

// maxBatch bounds the files of one run, whose names are held at once.
const maxBatch = 200_000

// batchDocuments lists the files that were named and those below the folders that
// were; hidden ones and the output folder are left out.
func batchDocuments(args []string, out string) (docs []batchDocument, err error) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case err != nil:
			return nil, badInput(arg, err)
		case info.IsDir():
			docs, err = below(docs, arg, out)
		default:
			docs = append(docs, batchDocument{arg, filepath.Base(arg)})
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(docs, func(a, b batchDocument) int { return strings.Compare(a.name, b.name) })
	for i, d := range docs {
		if i > 0 && docs[i-1].name == d.name {
			return nil, usageError(fmt.Sprintf("%s and %s would have one output", plain(docs[i-1].path), plain(d.path)))
		}
		if same(d.path, filepath.Join(out, filepath.FromSlash(d.name))) {
			return nil, usageError(fmt.Sprintf("-o: %s would be replaced by its sealed copy; name another folder", plain(d.path)))
		}
	}
	if len(docs) == 0 {
		return nil, badInput(strings.Join(args, " "), errors.New("there is no file in it"))
	}
	return docs, nil
}

func below(docs []batchDocument, dir, out string) ([]batchDocument, error) {
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return badInput(path, err)
		case path == dir:
			return nil
		case e.IsDir() && (same(path, out) || strings.HasPrefix(e.Name(), ".")):
			return fs.SkipDir
		case !e.Type().IsRegular() || strings.HasPrefix(e.Name(), "."):
			return nil
		case len(docs) >= maxBatch:
			return badInput(dir, fmt.Errorf("it holds more than %d files; seal them in several runs", maxBatch))
		}
		name, err := filepath.Rel(dir, path)
		docs = append(docs, batchDocument{path, filepath.ToSlash(name)})
		return err
	})
	return docs, err
}

var leftName = regexp.MustCompile(`^\.yinxin-[0-9a-f]{16}$`)

// dropLeft removes what a killed run had begun to write.
func (b *batchRun) dropLeft(docs []batchDocument) error {
	dirs, seen := []string{b.out}, map[string]bool{}
	for _, d := range docs {
		dirs = append(dirs, filepath.Dir(filepath.Join(b.out, filepath.FromSlash(d.name))))
	}
	for _, dir := range dirs {
		if seen[dir] {
			continue
		}
		seen[dir] = true
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return noWrite(dir, err)
		}
		for _, e := range entries {
			if !leftName.MatchString(e.Name()) || !e.Type().IsRegular() {
				continue
			}
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return noWrite(dir, err)
			}
		}
	}
	return nil
}

func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
