package face

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
)

// disc is a picture with something to see and something to see through.
func disc(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			if dx, dy := x-w/2, y-h/2; dx*dx+dy*dy < w*h/5 {
				img.SetNRGBA(x, y, red)
			}
		}
	}
	return img
}

func encode(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func chunk(name string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, name...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

const headEnd = 8 + 12 + 13 // signature and IHDR

// with puts chunks behind IHDR.
func with(b []byte, chunks ...[]byte) []byte {
	return bytes.Join([][]byte{b[:headEnd], bytes.Join(chunks, nil), b[headEnd:]}, nil)
}

func TestCheck(t *testing.T) {
	good := encode(t, disc(200, 160))
	info, err := Check(good)
	if err != nil || info != (Info{200, 160}) {
		t.Fatalf("%v, %v", info, err)
	}
	for name, b := range map[string][]byte{
		"resolution":        with(good, chunk("pHYs", make([]byte, 9))),
		"the smallest":      encode(t, disc(minPixels, minPixels)),
		"a default":         mustDefault(t, 42, 300),
		"colour management": with(good, chunk("gAMA", make([]byte, 4)), chunk("sRGB", []byte{0})),
	} {
		if _, err := Check(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		b   []byte
		why string
	}{
		"nothing":                {nil, "no PNG"},
		"another format":         {[]byte("\xff\xd8\xff\xe0 JFIF"), "no PNG"},
		"a signature alone":      {good[:8], "no PNG"},
		"no alpha":               {encode(t, image.NewGray(image.Rect(0, 0, 100, 100))), "transparency"},
		"alpha that is full":     {encode(t, opaque(100)), "transparency"},
		"nothing to see":         {encode(t, image.NewNRGBA(image.Rect(0, 0, 100, 100))), "nothing to see"},
		"too small":              {encode(t, disc(minPixels-1, 100)), "pixels"},
		"too many pixels":        {encode(t, image.NewPaletted(image.Rect(0, 0, 2001, 2000), color.Palette{color.Transparent, red})), "pixels"},
		"huge and hollow":        {header(good, 1<<30, 1<<30), "no PNG"},
		"wide and hollow":        {header(good, 1<<31-1, 40), "pixels"},
		"a header that lies":     {header(good, 200, 161), "damaged"},
		"text":                   {with(good, chunk("tEXt", []byte("Author\x00张三"))), "metadata"},
		"compressed text":        {with(good, chunk("zTXt", []byte("Author\x00\x00"))), "metadata"},
		"EXIF":                   {with(good, chunk("eXIf", []byte("II*\x00"))), "metadata"},
		"a time":                 {with(good, chunk("tIME", make([]byte, 7))), "metadata"},
		"an animation":           {with(good, chunk("acTL", make([]byte, 8))), "metadata"},
		"a colour profile":       {with(good, chunk("iCCP", make([]byte, 30))), "metadata"},
		"a chunk of our own":     {with(good, chunk("yxIN", nil)), "metadata"},
		"a chunk with room":      {with(good, chunk("pHYs", bytes.Repeat([]byte("张三"), 100))), "longer"},
		"one chunk twice":        {with(good, chunk("gAMA", []byte("1101")), chunk("gAMA", []byte("0519"))), "twice"},
		"trailing bytes":         {append(bytes.Clone(good), 0), "follows"},
		"a file behind it":       {append(bytes.Clone(good), "PK\x03\x04 and so on"...), "follows"},
		"cut off":                {good[:len(good)-1], "cut off"},
		"half of it":             {good[:len(good)/2], ""},
		"a length beyond it":     {lengthOf(good, 1<<31-1), "longer"},
		"a speck":                {encode(t, speck(200)), "hardly"},
		"interlaced":             {interlaced(good), "interlaced"},
		"larger than a megabyte": {append(bytes.Clone(good), make([]byte, MaxBytes)...), "larger"},
	} {
		_, err := Check(c.b)
		if !errors.Is(err, ErrPicture) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
	}
}

func speck(n int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, n, n))
	for i := range n / 2 {
		img.SetNRGBA(i, n/2, red)
	}
	return img
}

// interlaced says in its header that the picture is.
func interlaced(b []byte) []byte {
	data := bytes.Clone(b[16:29])
	data[12] = 1
	return bytes.Join([][]byte{b[:8], chunk("IHDR", data), b[headEnd:]}, nil)
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		info Info
		w, h int
		why  string // "" if it fits
	}{
		{Info{496, 496}, 42, 42, ""},
		{Info{331, 331}, 42, 42, ""}, // 200 dpi
		{Info{1984, 1984}, 42, 42, ""},
		{Info{472, 354}, 40, 30, ""},
		{Info{500, 492}, 42, 42, ""},
		{Info{330, 330}, 42, 42, "fewer than 200 dpi"},
		{Info{1985, 1985}, 42, 42, "more than 1200 dpi"},
		{Info{500, 489}, 42, 42, "stretched"},
		{Info{496, 496}, 40, 30, "stretched"},
		{Info{354, 472}, 40, 30, "stretched"},
	} {
		err := c.info.Fits(c.w, c.h)
		if (err == nil) != (c.why == "") || err != nil && (!errors.Is(err, ErrPicture) || !strings.Contains(err.Error(), c.why)) {
			t.Errorf("%v for %d by %d mm: %v, want %q", c.info, c.w, c.h, err, c.why)
		}
	}
}

// A picture that is admitted can be decoded, and has nothing but a picture in it.
func FuzzCheck(f *testing.F) {
	good := encode(f, disc(60, 60))
	f.Add(good)
	f.Add(mustDefault(f, 42, 100))
	f.Add(with(good, chunk("gAMA", make([]byte, 4)), chunk("pHYs", make([]byte, 9))))
	f.Add(interlaced(good))
	f.Add(header(good, 1<<30, 1<<30))
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := Check(b)
		if err != nil {
			if !errors.Is(err, ErrPicture) {
				t.Fatal(err)
			}
			return
		}
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil || img.Bounds().Dx() != info.Width || img.Bounds().Dy() != info.Height || info.Width*info.Height > MaxPixels {
			t.Fatalf("%v: %v", info, err)
		}
	})
}

// Every octet of a picture is under a checksum, or is one.
func TestNoOctetCanBeChanged(t *testing.T) {
	good := encode(t, disc(60, 60))
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 0x11
		if _, err := Check(b); !errors.Is(err, ErrPicture) {
			t.Errorf("octet %d of %d changed: %v", i, len(good), err)
		}
	}
}

func TestDefault(t *testing.T) {
	for _, c := range []struct {
		mm  float64
		dpi int
		ok  bool
	}{{42, 300, true}, {5, 300, true}, {60, 300, true}, {1, 300, false}, {60, 1000, false}, {0, 300, false}, {-42, 300, false}} {
		b, err := Default(c.mm, c.dpi)
		if (err == nil) != c.ok {
			t.Errorf("%g mm at %d dpi: %v", c.mm, c.dpi, err)
		}
		if err != nil {
			continue
		}
		if _, err := Check(b); err != nil {
			t.Errorf("%g mm at %d dpi: its own face is refused: %v", c.mm, c.dpi, err)
		}
		if again := mustDefault(t, c.mm, c.dpi); !bytes.Equal(b, again) {
			t.Error("the same face is other bytes")
		}
	}
}

func mustDefault(t testing.TB, mm float64, dpi int) []byte {
	t.Helper()
	b, err := Default(mm, dpi)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func opaque(n int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, n, n))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	return img
}

// header says another size than the picture has, under a checksum that is right.
func header(b []byte, w, h uint32) []byte {
	data := bytes.Clone(b[16:29])
	binary.BigEndian.PutUint32(data, w)
	binary.BigEndian.PutUint32(data[4:], h)
	return bytes.Join([][]byte{b[:8], chunk("IHDR", data), b[headEnd:]}, nil)
}

// lengthOf gives the chunk behind IHDR another length.
func lengthOf(b []byte, n uint32) []byte {
	b = bytes.Clone(b)
	binary.BigEndian.PutUint32(b[headEnd:], n)
	return b
}
