package seal

import (
	"fmt"
	"strings"
)

// Kind is what a seal is of. SES_ESPropertyInfo.type is left to the business by
// GB/T 38540 6.1.2; the numbers of sesType are ours.
type Kind string

// The kinds.
const (
	KindAgency  Kind = "agency"               // 法定名称章
	KindSpecial Kind = "special"              // 专用章, for one purpose
	KindLegal   Kind = "legal-representative" // 法定代表人名章
	KindPerson  Kind = "person"               // 个人签名
)

var sesType = map[Kind]int{KindAgency: unitSeal, KindSpecial: 2, KindLegal: 3, KindPerson: 4}

// Purposes of a special seal; another is "other:" and its name.
const (
	PurposeLicence  = "e-licence" // 电子证照专用章
	PurposeFinance  = "finance"   // 财务专用章
	PurposeContract = "contract"  // 合同专用章
	purposeOther    = "other:"
)

// Rank of the organ that a seal is of, which says how large it is and what stands in
// its middle (国发〔1999〕25号).
type Rank string

// The ranks that a province has.
const (
	RankProvince         Rank = "province"          // 省级人民政府
	RankPrefecture       Rank = "prefecture"        // 设区的市、自治州人民政府
	RankCounty           Rank = "county"            // 县级人民政府
	RankPrefectureOffice Rank = "prefecture-office" // 地区行政公署
	RankTownship         Rank = "township"          // 乡镇人民政府
	RankDepartment       Rank = "department"        // 政府工作部门、内设机构
	RankInstitution      Rank = "institution"       // 企业、事业单位、社会团体
)

// size of the round seal of an organ.
type size struct {
	mm     int
	exact  bool // and no other; else at most
	emblem bool // 国徽 in its middle
	rule   string
}

const decree = "国发〔1999〕25号"

// 国发〔1999〕25号, articles 5 to 12. A department's or an institution's is told by
// its largest size alone.
var sizes = map[Rank]size{
	RankProvince:         {50, true, true, "a provincial government's seal is 5.0 cm across, with the national emblem"},
	RankPrefecture:       {45, true, true, "the seal of a prefecture's or city's government is 4.5 cm across, with the national emblem"},
	RankCounty:           {45, true, true, "a county government's seal is 4.5 cm across, with the national emblem"},
	RankPrefectureOffice: {45, true, false, "the seal of a prefectural office is 4.5 cm across, with a star"},
	RankTownship:         {42, true, false, "a township government's seal is 4.2 cm across, with a star"},
	RankDepartment:       {45, false, false, "a department's seal is at most 4.5 cm across, with a star"},
	RankInstitution:      {45, false, false, "the seal of an enterprise or institution is at most 4.5 cm across, with a star"},
}

const (
	minMM = 5
	// No decree says how large a person's seal is; these keep one from being taken
	// for an organ's, and a signature from covering what it signs.
	maxNameMM      = 30
	maxSignatureMM = 60
	defaultNameMM  = 20
)

// Class says what a seal is. The zero Class is that of seals from before there were
// others: an agency's of no stated rank.
type Class struct {
	Kind    Kind   `cbor:"1,keyasint,omitempty" json:"kind,omitempty"`
	Purpose string `cbor:"2,keyasint,omitempty" json:"purpose,omitempty"` // of a special seal
	Rank    Rank   `cbor:"3,keyasint,omitempty" json:"rank,omitempty"`
	Emblem  bool   `cbor:"4,keyasint,omitempty" json:"emblem,omitempty"` // the picture shows the national emblem
}

// kind with the one of older rows.
func (c Class) kind() Kind {
	if c.Kind == "" {
		return KindAgency
	}
	return c.Kind
}

// Personal tells whether the seal is a person's, not a unit's.
func (c Class) Personal() bool { return c.Kind == KindLegal || c.Kind == KindPerson }

// usual is the size of a seal that nobody gave one.
func (c Class) usual() int {
	if c.Personal() {
		return defaultNameMM
	}
	if s, ok := sizes[c.Rank]; ok && s.exact {
		return s.mm
	}
	return defaultMM
}

// check holds a class and a size against the rules; drawn tells that nobody uploaded
// the picture.
func (c Class) check(width, height int, drawn bool) error {
	if _, ok := sesType[c.kind()]; !ok {
		return fmt.Errorf("%w: there is no kind of seal %q", ErrRefused, c.Kind)
	}
	if c.Rank != "" && sizes[c.Rank].mm == 0 {
		return fmt.Errorf("%w: there is no rank %q of an organ", ErrRefused, c.Rank)
	}
	if err := c.checkPurpose(); err != nil {
		return err
	}
	if width < minMM || height < minMM {
		return fmt.Errorf("%w: a seal of %d by %d mm", ErrRefused, width, height)
	}
	if err := c.checkEmblem(drawn); err != nil {
		return err
	}
	if c.Personal() {
		return c.checkPersonal(width, height, drawn)
	}
	return c.checkSize(width, height)
}

func (c Class) checkPurpose() error {
	if c.Kind != KindSpecial {
		if c.Purpose != "" {
			return fmt.Errorf("%w: only a special seal has a purpose", ErrRefused)
		}
		return nil
	}
	switch c.Purpose {
	case PurposeLicence, PurposeFinance, PurposeContract:
		return nil
	}
	if name, ok := strings.CutPrefix(c.Purpose, purposeOther); ok && plain(name, 1, maxNameLen) {
		return nil
	}
	return fmt.Errorf("%w: a special seal is for %s, %s, %s, or %sNAME", ErrRefused, PurposeLicence, PurposeFinance, PurposeContract, purposeOther)
}

func (c Class) checkEmblem(drawn bool) error {
	switch {
	case !c.Emblem:
		return nil
	case c.kind() != KindAgency || !sizes[c.Rank].emblem:
		return fmt.Errorf("%w: only a government of a county or above has the national emblem in its seal (%s)", ErrRefused, decree)
	case drawn:
		// The emblem has a prescribed form (国徽法), which no drawing of ours may vary.
		return fmt.Errorf("%w: a seal with the national emblem needs an uploaded picture", ErrRefused)
	}
	return nil
}

func (c Class) checkPersonal(width, height int, drawn bool) error {
	most := maxNameMM
	if c.Kind == KindPerson {
		most = maxSignatureMM
	}
	switch {
	case c.Rank != "":
		return fmt.Errorf("%w: a person's seal has no rank", ErrRefused)
	case width > most || height > maxNameMM:
		return fmt.Errorf("%w: a seal of %d by %d mm; a person's is at most %d by %d", ErrRefused, width, height, most, maxNameMM)
	case drawn && c.Kind == KindPerson:
		return fmt.Errorf("%w: a person's signature is a picture of it, which must be uploaded", ErrRefused)
	}
	return nil
}

func (c Class) checkSize(width, height int) error {
	rule, ok := sizes[c.Rank]
	switch {
	case !ok && (width > maxMM || height > maxMM):
		return fmt.Errorf("%w: a seal of %d by %d mm", ErrRefused, width, height)
	case !ok:
		return nil
	case c.Kind == KindSpecial: // 专用章 may be oval; none is larger than its organ's own
		if width > rule.mm || height > rule.mm {
			return fmt.Errorf("%w: a special seal of %d by %d mm, and the organ's own is %d (%s)", ErrRefused, width, height, rule.mm, decree)
		}
	case width != height:
		return fmt.Errorf("%w: a seal of %d by %d mm; an organ's seal is round (%s)", ErrRefused, width, height, decree)
	case width > rule.mm || rule.exact && width != rule.mm:
		return fmt.Errorf("%w: a seal of %d mm; %s (%s)", ErrRefused, width, rule.rule, decree)
	}
	return nil
}
