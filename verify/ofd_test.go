package verify_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"yinxin/verify"
)

const ofdSamples = "../seal/ofd/testdata"

// Every package of the field gives what is known of it (testdata/README.md). Nobody
// here knows their issuers.
func TestOFDOfTheField(t *testing.T) {
	c := sampleCourt(t)
	good := map[string]verify.Result{"format": "pass", "sealFormat": "pass", "sealSignature": "pass", "signatureValue": "pass", "signerInSeal": "pass",
		"propertyInfo": "pass", "dataHash": "pass", "coverage": "pass", "laterChanges": "pass", "faceMatches": "pass", "makerChain": "unknown", "signerChain": "unknown"}
	but := func(changes ...string) map[string]verify.Result {
		m := map[string]verify.Result{}
		for k, v := range good {
			m[k] = v
		}
		for i := 0; i < len(changes); i += 2 {
			m[changes[i]] = verify.Result(changes[i+1])
		}
		return m
	}
	for name, want := range map[string]struct {
		verdict verify.Verdict
		code    verify.Code
		not     verify.Code
		stamps  []map[string]verify.Result
	}{
		"999.ofd":                {verify.CannotConfirm, verify.EntryUnlisted, "", []map[string]verify.Result{good}},
		"v4signed.ofd":           {verify.CannotConfirm, verify.IssuerUnknown, verify.EntryUnlisted, []map[string]verify.Result{good}},
		"tampered.ofd":           {verify.NotValid, verify.Altered, "", []map[string]verify.Result{but("dataHash", "fail")}},
		"h.ofd":                  {verify.NotValid, verify.Altered, verify.ContentAddedAfterSeal, []map[string]verify.Result{but("dataHash", "fail"), good}},
		"V4RideRight.ofd":        {verify.CannotConfirm, verify.IssuerUnknown, "", []map[string]verify.Result{good}},
		"gen_13_riding_seal.ofd": {verify.NotValid, verify.CertificateExpiredAtSealing, verify.Altered, []map[string]verify.Result{but("signerChain", "fail")}},
		"hello-integrity.ofd":    {verify.None, verify.NotSealed, "", []map[string]verify.Result{{"format": "pass", "signatureValue": "pass", "dataHash": "pass", "coverage": "pass", "signerChain": "unknown"}}},
		"helloworld.ofd":         {verify.None, verify.NotSealed, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.judge(t, sample(t, filepath.Join(ofdSamples, name)), nil)
			expect(t, r, want.verdict, want.code)
			for _, code := range codes(r) {
				if want.not != "" && code == want.not {
					t.Errorf("%s is among the reasons", code)
				}
			}
			if r.Format != "ofd" || len(r.Stamps) != len(want.stamps) {
				t.Fatalf("format %s, %d stamps", r.Format, len(r.Stamps))
			}
			for n, checks := range want.stamps {
				for _, got := range r.Stamps[n].Checks {
					if w, told := checks[got.ID]; told && got.Result != w {
						t.Errorf("stamp %d: %s is %s (%s), want %s", n, got.ID, got.Result, got.Detail, w)
					}
				}
			}
		})
	}
}

func TestSealedOFD(t *testing.T) {
	s := newScene(t)
	in := s.input()
	riding := `<ofd:StampAnnot ID="1" PageRef="1" Boundary="189 40 42 42" Clip="0 0 21 42"/><ofd:StampAnnot ID="2" PageRef="2" Boundary="255 40 42 42" Clip="21 0 21 42"/>`
	for name, x := range map[string]ofdOrder{
		"more may follow": {}, "whole": {whole: true}, "without Seal.esl": {noSeal: true}, "riding": {annots: riding}, "riding, whole": {annots: riding, whole: true},
		"two places": {annots: usualAnnot + strings.ReplaceAll(usualAnnot, "101", "102")},
	} {
		t.Run(name, func(t *testing.T) {
			r := judge(s.r.sealOFD(t, s.order, x, plainPack()).zip(t), nil, in)
			expect(t, r, verify.Valid, "")
			if !r.Stamps[0].CoversWholeDocument || r.Stamps[0].Role != "seal" {
				t.Errorf("%+v", r.Stamps[0])
			}
		})
	}
}

// Further stamps may follow where the list is not named, and taking the last ones
// off leaves an honest earlier document.
func TestOFDUnderThreeStamps(t *testing.T) {
	s := newScene(t)
	in := s.input()
	one := s.r.sealOFD(t, s.order, ofdOrder{}, plainPack())
	two := s.r.sealOFD(t, s.order, ofdOrder{}, one)
	three := s.r.sealOFD(t, s.order, ofdOrder{whole: true}, two)
	for n, p := range []pack{one, two, three} {
		r := judge(p.zip(t), nil, in)
		expect(t, r, verify.Valid, "")
		if len(r.Stamps) != n+1 || len(r.Stamps[0].LaterChanges) != n {
			t.Errorf("%d stamps: %+v", n+1, r.Stamps)
		}
	}
	// After one of the whole file none may be added.
	expect(t, judge(s.r.sealOFD(t, s.order, ofdOrder{}, three).zip(t), nil, in), verify.NotValid, verify.Altered)
	// A stamp that is bad spoils those before it.
	expect(t, judge(two.with(signDir(1)+"SignedValue.dat", "0").zip(t), nil, in), verify.NotValid, verify.ContentAddedAfterSeal)
	// One that is taken off the list while a later one stands is missed.
	listed := two[two.at(signatureList)].content
	from := strings.Index(listed, `<ofd:Signature ID="1"`)
	to := from + strings.Index(listed[from:], "/>") + 2
	expect(t, judge(two.with(signatureList, listed[:from]+listed[to:]).zip(t), nil, in), verify.NotValid, verify.ContentAddedAfterSeal)
	// The list turned round.
	swapped := strings.NewReplacer("Sign_0", "Sign_1", "Sign_1", "Sign_0").Replace(listed)
	expect(t, judge(two.with(signatureList, swapped).zip(t), nil, in), verify.NotValid, verify.StampMalformed)
}

// What is changed in a sealed package, and what is found of it.
func TestOFDChangedAfterItsStamp(t *testing.T) {
	s := newScene(t)
	in := s.input()
	one := s.r.sealOFD(t, s.order, ofdOrder{}, plainPack())
	dir := signDir(0)
	doc1 := `<ofd:DocBody><ofd:DocRoot>Doc_1/Document.xml</ofd:DocRoot></ofd:DocBody>`
	for name, c := range map[string]struct {
		p       pack
		verdict verify.Verdict
		code    verify.Code
	}{
		"a page's text":       {one.replace(t, "Doc_0/Pages/Page_0/Content.xml", "准予", "不予"), verify.NotValid, verify.Altered},
		"a picture":           {one.with("Doc_0/Res/map.png", "\x89PNG other"), verify.NotValid, verify.Altered},
		"a file is gone":      {one.without("Doc_0/Res/map.png"), verify.NotValid, verify.Altered},
		"OFD.xml":             {one.replace(t, "OFD.xml", "<ofd:DocID>1", "<ofd:DocID>2"), verify.NotValid, verify.Altered},
		"Signature.xml":       {one.replace(t, dir+"Signature.xml", "120 200 42 42", "121 200 42 42"), verify.NotValid, verify.Altered},
		"white space in it":   {one.replace(t, dir+"Signature.xml", "<ofd:SignedInfo>", "<ofd:SignedInfo> "), verify.NotValid, verify.Altered},
		"Seal.esl":            {one.with(dir+"Seal.esl", "another"), verify.NotValid, verify.SealFaceMismatch},
		"no stamp":            {one.without(dir + "SignedValue.dat"), verify.NotValid, verify.StampMalformed},
		"no Signature.xml":    {one.without(dir + "Signature.xml"), verify.None, verify.Malformed},
		"no list":             {one.without(signatureList), verify.None, verify.Malformed},
		"moved":               {moved(t, one), verify.NotValid, verify.WrongDocumentKind},
		"made a plain one":    {one.replace(t, signatureList, `Type="Seal"`, `Type="Sign"`), verify.NotValid, verify.StampMalformed},
		"idle file":           {one.with("Doc_0/smuggled.txt", "x"), verify.ValidWithNotice, verify.EntryUnlisted},
		"idle page":           {one.with("Doc_0/Pages/Page_9/extra.xml", ofdElement("Page", "")), verify.ValidWithNotice, verify.EntryUnlisted},
		"a second document":   {one.replace(t, "OFD.xml", "</ofd:OFD>", doc1+"</ofd:OFD>").with("Doc_1/Document.xml", ofdElement("Document", "")), verify.NotValid, verify.Altered},
		"listed twice":        {one.replace(t, signatureList, "<ofd:MaxSignId>", `<ofd:Signature ID="7" BaseLoc="/`+dir+`Signature.xml"/><ofd:MaxSignId>`), verify.None, verify.Malformed},
		"MaxSignId":           {one.replace(t, signatureList, "<ofd:MaxSignId>1", "<ofd:MaxSignId>99"), verify.Valid, ""},
		"another's signature": {s.far.sealOFD(t, order{claimed: s.order.claimed, proven: s.order.proven}, ofdOrder{}, one), verify.Valid, ""},
	} {
		t.Run(name, func(t *testing.T) { expect(t, judge(c.p.zip(t), nil, in), c.verdict, c.code) })
	}
}

// moved is a package whose signature lies in another folder.
func moved(t testing.TB, p pack) pack {
	t.Helper()
	for _, f := range []string{"Signature.xml", "SignedValue.dat", "Seal.esl"} {
		p = p.with("Doc_0/Signs/Elsewhere/"+f, p[p.at(signDir(0)+f)].content)
	}
	return p.replace(t, signatureList, "Sign_0", "Elsewhere")
}

// What an agency's own stamp may not leave out, and how others' are taken.
func TestOFDCoverage(t *testing.T) {
	s := newScene(t)
	in := s.input()
	foreign := s.order
	foreign.seal = foreignSeal(t, s.r)
	// A dangling name: the picture is put there after the stamp.
	dangling := plainPack().replace(t, "Doc_0/DocumentRes.xml", "</ofd:MultiMedias>", `<ofd:MultiMedia ID="10"><ofd:MediaFile>Res/later.png</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias>`)
	for name, c := range map[string]struct {
		omit           []string
		base           pack
		after          func(pack) pack
		ours, foreigns verify.Verdict
		code, other    verify.Code
	}{
		"OFD.xml":    {omit: []string{"OFD.xml"}, ours: verify.NotValid, code: verify.PartialCoverage, foreigns: verify.ValidWithNotice, other: verify.EntryUnlisted},
		"a page":     {omit: []string{"Doc_0/Pages/Page_1/Content.xml"}, ours: verify.NotValid, code: verify.PartialCoverage, foreigns: verify.CannotConfirm, other: verify.EntryNotCovered},
		"a resource": {omit: []string{"Doc_0/Res/map.png"}, ours: verify.NotValid, code: verify.PartialCoverage, foreigns: verify.CannotConfirm, other: verify.EntryNotCovered},
		"annotation": {omit: []string{"Doc_0/Annots/Page_0.xml"}, ours: verify.NotValid, code: verify.PartialCoverage, foreigns: verify.CannotConfirm, other: verify.EntryNotCovered},
		"OFD.xml and the document": {omit: []string{"OFD.xml", "Doc_0/Document.xml"}, ours: verify.NotValid, code: verify.PartialCoverage,
			foreigns: verify.CannotConfirm, other: verify.EntryNotCovered},
		"a picture that came later": {base: dangling, after: func(p pack) pack { return p.with("Doc_0/Res/later.png", "\x89PNG") },
			ours: verify.NotValid, code: verify.PartialCoverage, foreigns: verify.CannotConfirm, other: verify.EntryNotCovered},
		"in other letters": {base: dangling, after: func(p pack) pack { return p.with("Doc_0/Res/LATER.png", "\x89PNG") },
			ours: verify.NotValid, code: verify.PartialCoverage, foreigns: verify.CannotConfirm, other: verify.EntryNotCovered},
	} {
		t.Run(name, func(t *testing.T) {
			if c.base == nil {
				c.base = plainPack()
			}
			if c.after == nil {
				c.after = func(p pack) pack { return p }
			}
			expect(t, judge(c.after(s.r.sealOFD(t, s.order, ofdOrder{omit: c.omit}, c.base)).zip(t), nil, in), c.ours, c.code)
			expect(t, judge(c.after(s.r.sealOFD(t, foreign, ofdOrder{omit: c.omit}, c.base)).zip(t), nil, in), c.foreigns, c.other)
		})
	}
	// A second stamp names the files of the first.
	one := s.r.sealOFD(t, s.order, ofdOrder{}, plainPack())
	expect(t, judge(s.r.sealOFD(t, s.order, ofdOrder{omit: []string{signDir(0) + "SignedValue.dat"}}, one).zip(t), nil, in), verify.NotValid, verify.PartialCoverage)
	// A digest that can be forged.
	expect(t, judge(s.r.sealOFD(t, s.order, ofdOrder{method: "MD5"}, plainPack()).zip(t), nil, in), verify.CannotConfirm, verify.WeakDigest)
	expect(t, judge(s.r.sealOFD(t, s.order, ofdOrder{method: "9.9.9"}, plainPack()).zip(t), nil, in), verify.CannotConfirm, verify.WeakDigest)
	expect(t, judge(s.r.sealOFD(t, s.order, ofdOrder{method: "MD5"}, plainPack()).with("Doc_0/Res/map.png", "x").zip(t), nil, in), verify.NotValid, verify.Altered)
	// OFD 2.0: the signature that is followed must be there.
	expect(t, judge(s.r.sealOFD(t, s.order, ofdOrder{attr: ` Relative="1"`}, one).zip(t), nil, in), verify.Valid, "")
	expect(t, judge(s.r.sealOFD(t, s.order, ofdOrder{attr: ` Relative="5"`}, one).zip(t), nil, in), verify.NotValid, verify.StampMalformed)
}

// What a stamp says of its place, by whoever made it.
func TestOFDFace(t *testing.T) {
	s := newScene(t)
	in := s.input()
	annot := func(page, boundary, clip string) string {
		if clip != "" {
			clip = ` Clip="` + clip + `"`
		}
		return `<ofd:StampAnnot ID="1" PageRef="` + page + `" Boundary="` + boundary + `"` + clip + `/>`
	}
	for name, c := range map[string]struct {
		annots  string
		verdict verify.Verdict
		code    verify.Code
	}{
		"off the page":     {annot("1", "300 10 42 42", ""), verify.NotValid, verify.SealFaceMismatch},
		"half off":         {annot("1", "190 10 42 42", ""), verify.NotValid, verify.SealFaceMismatch},
		"no size":          {annot("1", "10 10 0 42", ""), verify.NotValid, verify.SealFaceMismatch},
		"no number":        {annot("1", "10 10 NaN 42", ""), verify.NotValid, verify.SealFaceMismatch},
		"no such page":     {annot("7", "10 10 42 42", ""), verify.NotValid, verify.SealFaceMismatch},
		"clipped":          {annot("1", "10 10 42 42", "0 0 42 20"), verify.NotValid, verify.SealFaceMismatch},
		"a slice missing":  {annot("1", "189 10 42 42", "0 0 21 42"), verify.NotValid, verify.SealFaceMismatch},
		"slices that gape": {annot("1", "189 10 42 42", "0 0 20 42") + annot("2", "250 10 42 42", "24 0 18 42"), verify.NotValid, verify.SealFaceMismatch},
		"a speck":          {annot("1", "10 10 4.2 4.2", ""), verify.CannotConfirm, verify.FaceUnknown},
		"squeezed":         {annot("1", "10 10 42 30", ""), verify.CannotConfirm, verify.FaceUnknown},
		"nowhere":          {" ", verify.CannotConfirm, verify.FaceUnknown},
		"the page's paper": {annot("2", "250 160 42 42", ""), verify.Valid, ""},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, judge(s.r.sealOFD(t, s.order, ofdOrder{annots: c.annots}, plainPack()).zip(t), nil, in), c.verdict, c.code)
		})
	}
	expect(t, judge(s.r.sealOFD(t, s.order, ofdOrder{seal: string(s.far.seal)}, plainPack()).zip(t), nil, in), verify.NotValid, verify.SealFaceMismatch)
}

// No stamp is carried into a package, out of one, or from one signature to another.
func TestOFDPropertyInfo(t *testing.T) {
	s := newScene(t)
	in := s.input()
	for _, property := range []string{"json:jcs", "file:detached", "pdf:byterange", "/Doc_0/Signs/Sign_1/Signature.xml", "Doc_0/Signs/Sign_0/Signature.xml"} {
		o := s.order
		o.property = property
		expect(t, judge(s.r.sealOFD(t, o, ofdOrder{}, plainPack()).zip(t), nil, in), verify.NotValid, verify.WrongDocumentKind)
	}
	o := s.order
	o.seal, o.property = foreignSeal(t, s.r), "Doc_0/Signs/Sign_0/Signature.xml"
	expect(t, judge(s.r.sealOFD(t, o, ofdOrder{}, plainPack()).zip(t), nil, in), verify.ValidWithNotice, verify.FormatNotice)
}

// A package that was opened is judged by many at once, and each gets the same report.
func TestOFDJudgedByMany(t *testing.T) {
	s := newScene(t)
	in := s.input()
	b := s.r.sealOFD(t, s.order, ofdOrder{}, s.r.sealOFD(t, s.order, ofdOrder{}, plainPack())).zip(t)
	d := verify.Open(bytes.NewReader(b), int64(len(b)), "", nil)
	var e verify.Engine
	reports := make([]string, 8)
	var all sync.WaitGroup
	for i := range reports {
		all.Go(func() { reports[i] = string(e.Judge(d, in).JSON()) })
	}
	all.Wait()
	for _, r := range reports {
		if r != reports[0] || !strings.Contains(r, `"verdict": "valid"`) {
			t.Fatal(r)
		}
	}
}

// Files given to a package after its seal, where readers find them and the stamp does
// not name them; or a list that grew into something else than signatures.
func TestOFDGivenMoreAfterItsStamp(t *testing.T) {
	s := newScene(t)
	in := s.input()
	foreign := s.order
	foreign.seal = foreignSeal(t, s.r)
	media := func(loc string) pack {
		return plainPack().replace(t, "Doc_0/DocumentRes.xml", "</ofd:MultiMedias>", `<ofd:MultiMedia ID="10"><ofd:MediaFile>`+loc+`</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias>`)
	}
	with := func(name, content string) func(pack) pack {
		return func(p pack) pack { return p.with(name, content) }
	}
	// A signature of anyone's, put before the stamp in the list, whose files are what a
	// page lacked.
	before := func(p pack) pack {
		p = s.far.sealOFD(t, s.order, ofdOrder{sign: signForms(s.far.signer)["attributes"], omit: []string{signDir(0) + "Signature.xml", signDir(0) + "SignedValue.dat"}}, p)
		list := p[p.at(signatureList)].content
		from := strings.Index(list, `<ofd:Signature ID="2"`)
		line := list[from : from+strings.Index(list[from:], "/>")+2]
		list = strings.Replace(strings.Replace(list, line, "", 1), `<ofd:Signature ID="1"`, line+`<ofd:Signature ID="1"`, 1)
		return p.with(signatureList, list)
	}
	for name, c := range map[string]struct {
		base  pack
		after func(pack) pack
	}{
		"by a long way":         {media(strings.Repeat("./", 1000) + "Res/later.png"), with("Doc_0/Res/later.png", "\x89PNG")},
		"by a location in two":  {media("Res/la<ofd:X/>ter.png"), with("Doc_0/Res/later.png", "\x89PNG")},
		"by an escape":          {media("Res/l%61ter.png"), with("Doc_0/Res/later.png", "\x89PNG")},
		"by a short name":       {plainPack(), with("Doc_0/DOCUME~1.XML", ofdElement("Res", ""))},
		"as a signature's file": {media("/" + signDir(1) + "SignedValue.dat"), before},
	} {
		t.Run(name, func(t *testing.T) {
			sealed := s.r.sealOFD(t, s.order, ofdOrder{}, c.base)
			expect(t, judge(sealed.zip(t), nil, in), verify.Valid, "")
			expect(t, judge(c.after(sealed).zip(t), nil, in), verify.NotValid, verify.PartialCoverage)
			expect(t, judge(c.after(s.r.sealOFD(t, foreign, ofdOrder{}, c.base)).zip(t), nil, in), verify.CannotConfirm, verify.EntryNotCovered)
		})
	}
}

// What a file is called, or the media type it comes with, changes no verdict.
func TestAHintChangesNoVerdict(t *testing.T) {
	s := newScene(t)
	in := s.input()
	s.order.seal = s.r.makeSeal(t, sealOrder{picture: plainFace(t)})
	for format, doc := range map[string][]byte{"ofd": s.r.sealOFD(t, s.order, ofdOrder{}, plainPack()).zip(t), "pdf": s.r.sealPDF(t, s.order, sample(t, pdfSamples+"/unsigned/minimal.pdf"))} {
		for _, hint := range []string{"", "a.json", "application/json", "application/problem+json", "a.pdf", "a.ofd"} {
			r := new(verify.Engine).Judge(verify.Open(bytes.NewReader(doc), int64(len(doc)), hint, nil), in)
			if r.Format != format || r.Verdict != verify.Valid {
				t.Errorf("%s as %q: %s, judged as %s", format, hint, r.Verdict, r.Format)
			}
		}
	}
}
