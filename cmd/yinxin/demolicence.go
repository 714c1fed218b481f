package main

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"strings"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"yinxin/license"
	"yinxin/license/metadata"
	"yinxin/license/qr"
	"yinxin/verify"
)

// The demonstration's licence type is defined by its own agency.
const (
	demoType     = demoAgency + "001"
	demoTypeName = "食品经营许可证"
)

// playLicence issues a licence, alters it, suspends and resumes it.
func (d *demo) playLicence(ctx context.Context) (err error) {
	if _, err := d.p.Licences.Define(ctx, demoType, demoTypeName, "demo"); err != nil {
		return err
	}
	now := time.Now()
	d.licence, err = d.p.Licences.Issue(ctx, license.IssueRequest{Type: demoType, SealID: d.seal.ID, Agency: demoAgency, AgencyName: demoName, Number: "JY15201150000001",
		Holder: "贵阳示例食品有限公司", HolderCode: "91520115MA6EXAMP0E", HolderType: "001", From: metadata.Day(now), To: metadata.Day(now.AddDate(5, 0, 0)),
		Extensions: map[string]string{"KZ_JYXM": "热食类食品制售"}, Operator: "demo", Reason: "演示"})
	if err != nil {
		return err
	}
	d.about["licenceIdentifier"] = d.licence.Identifier
	if err := d.write("licence.json", d.licence.Document); err != nil {
		return err
	}
	if err := d.judge(ctx, "licence, issued", d.licence.Document, "x.json", verify.Valid); err != nil {
		return err
	}
	altered := bytes.Replace(d.licence.Document, []byte("热食类"), []byte("冷食类"), 1)
	if err := d.judge(ctx, "licence, 热食 turned into 冷食", altered, "x.json", verify.NotValid); err != nil {
		return err
	}
	change := license.ChangeRequest{Identifier: d.licence.Identifier, Who: "demo", Why: "演示"}
	if _, err := d.p.Licences.Suspend(ctx, change); err != nil {
		return err
	}
	if err := d.judge(ctx, "licence, suspended", d.licence.Document, "x.json", verify.NotValid); err != nil {
		return err
	}
	_, err = d.p.Licences.Resume(ctx, change)
	return err
}

// playQR draws the licence's code, reads it back with an independent reader, and
// asks what is recorded of it before and after the licence is revoked.
func (d *demo) playQR(ctx context.Context) error {
	picture, address, err := d.p.Licences.Picture(ctx, d.licence.Identifier)
	if err != nil {
		return err
	}
	if err := d.write("licence-qr.png", picture); err != nil {
		return err
	}
	read, err := scan(picture)
	if err != nil {
		return err
	}
	if read != address {
		return fmt.Errorf("the QR code says %q, not %q", read, address)
	}
	token, err := qr.Parse(read[strings.LastIndexByte(read, '#')+1:])
	if err != nil {
		return err
	}
	if err := d.recorded(ctx, "QR code, read back", token, verify.InForce); err != nil {
		return err
	}
	if _, err := d.p.Licences.Revoke(ctx, license.ChangeRequest{Identifier: d.licence.Identifier, Who: "demo", Why: "演示"}); err != nil {
		return err
	}
	if err := d.recorded(ctx, "QR code, its licence revoked", token, verify.Ended); err != nil {
		return err
	}
	return d.judge(ctx, "licence, revoked", d.licence.Document, "x.json", verify.NotValid)
}

func (d *demo) recorded(ctx context.Context, what string, token *qr.Token, want verify.Recorded) error {
	r, err := d.p.JudgeToken(ctx, token)
	if err != nil {
		return err
	}
	row := demoRow{What: what, Want: string(want), Got: string(r.Record), Why: "登记信息,不是对纸面的核验 what was recorded, no verdict on the paper"}
	if r.Why != "" {
		reason, _ := verify.Explain(r.Why)
		row.Why = string(r.Why) + " " + reason.Zh + " " + reason.En
	}
	d.rows = append(d.rows, row)
	return nil
}

func scan(picture []byte) (string, error) {
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return "", err
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", err
	}
	// It is told that this is a drawing and no photograph: it looks for the corners
	// of a photographed code by guesses, of which one in sixty goes wrong.
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		return "", fmt.Errorf("the QR code cannot be read back: %w", err)
	}
	return result.GetText(), nil
}
