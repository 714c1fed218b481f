package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"yinxin/internal/province"
)

// commands in the order in which help lists them.
func commands() []command {
	return []command{
		{"demo", "", "make a small province, seal, verify, alter and refuse, and print a table of it", runDemo},
		{"init", "", "make a data folder: keys, certificate authority, register", runInit},
		{"serve", "", "serve a data folder over HTTP", runServe},
		{"agency add", "", "enter an agency", runAgencyAdd},
		{"agency list", "", "list the agencies", runAgencyList},
		{"agency show", "USCC", "show an agency", runAgencyShow},
		{"key create", "", "make a bearer key for an agency; it is shown once", runKeyCreate},
		{"key list", "", "list an agency's bearer keys", runKeyList},
		{"key rotate", "ID", "give a key's owner a new one; the old one lives on for a while", runKeyRotate},
		{"key revoke", "ID", "end a bearer key", runKeyRevoke},
		{"ca issue", "CSR", "issue a certificate from a PKCS#10 request", runCAIssue},
		{"ca show", "SERIAL", "show a certificate", runCAShow},
		{"ca list", "", "list, search and export certificates", runCAList},
		{"ca renew", "PURPOSE | services | SERIAL CSR", "give a key of the province's own, every service whose key may sign no more, or an agency's certificate a successor", runCARenew},
		{"ca revoke", "SERIAL", "revoke a certificate, for ever, or put one on hold", runCARevoke},
		{"ca release", "SERIAL", "end a certificate's hold", runCARelease},
		{"ca crl", "", "publish an issuer's revocation list, and write it", runCACRL},
		{"ca profile list", "", "list the profiles of certificates", runCAProfileList},
		{"ca profile show", "NAME", "show a profile and how it was set", runCAProfileShow},
		{"ca profile set", "NAME FILE", "set a profile for what is issued from then on", runCAProfileSet},
		{"ca policy show", "", "show which acts need a second officer", runCAPolicyShow},
		{"ca policy set", "KIND none|second-officer", "say whether a kind of act needs a second officer", runCAPolicySet},
		{"ca request list", "", "list what was asked for, and what waits for a second officer", runCARequestList},
		{"ca request show", "ID", "show a request whole", runCARequestShow},
		{"ca approve", "ID", "approve a request as the second officer, and carry it out", runCADecide},
		{"ca refuse", "ID", "refuse a request as an officer", runCADecide},
		{"ca withdraw", "ID", "take one's own request back", runCADecide},
		{"ca escrow", "[SERIAL]", "list the keys that the key centre keeps, or to whom one was handed out", runCAEscrow},
		{"ca recover", "SERIAL", "ask for an escrowed key; another officer must approve", runCARecover},
		{"ca compromised", "", "list all that stands behind a key since a time, and revoke it in one act", runCACompromised},
		{"ca companion", "", "list the certificates of companion signatures, and write their root for readers abroad", runCACompanion},
		{"ca outside add", "CERTIFICATE", "list an outside authority that may certify seals", runOutsideAdd},
		{"ca outside list", "", "show the outside authorities and what they have been", runOutsideList},
		{"ca outside withdraw", "ID", "end an outside authority; what was proven before stays good", runOutsideEnd},
		{"ca outside distrust", "ID", "end an outside authority whose key others may have used", runOutsideEnd},
		{"seal face", "", "draw a seal's face, to be looked at; needs no data folder", runSealFace},
		{"seal make", "", "apply for a seal, which is made unless a second officer must approve", runSealMake},
		{"seal request", "", "make a seal's key and the request for a certificate of an outside authority", runSealRequest},
		{"seal request list", "", "list those requests", runSealRequestList},
		{"seal request withdraw", "ID", "give up a request that nobody will answer", runSealRequestWithdraw},
		{"seal request import", "ID CERTIFICATE", "make the seal on the certificate that came", runSealRequestImport},
		{"seal list", "", "list seals", runSealList},
		{"seal show", "ID", "show a seal and its history", runSealShow},
		{"seal freeze", "ID", "suspend a seal", runSealChange},
		{"seal thaw", "ID", "end a seal's suspension", runSealChange},
		{"seal history", "ID", "every step of a seal's life: who, when, why", runSealHistory},
		{"seal file", "ID", "record that a seal was filed", runSealFile},
		{"seal change", "ID", "give a seal a new name, face or size, on a new key", runSealVary},
		{"seal renew", "ID", "give a seal a new key and certificate", runSealVary},
		{"seal cancel", "ID", "end a seal, for ever", runSealCancel},
		{"seal destroy", "ID", "end the keys of a cancelled seal, before a witness", runSealDestroy},
		{"seal grant", "ID", "let somebody stamp with a seal, or change a grant", runSealGrant},
		{"seal grants", "ID", "list who may stamp with a seal", runSealGrants},
		{"seal ungrant", "ID GRANT", "end a grant", runSealUngrant},
		{"seal policy", "ID", "set what bounds all grants of a seal", runSealPolicy},
		{"seal use ask", "FILE", "ask a second person for one use of a seal", runUseAsk},
		{"seal use list", "", "list the uses that were asked for", runUseList},
		{"seal use approve", "ID", "approve a use as the second person", runUseDecide},
		{"seal use refuse", "ID", "refuse a use", runUseDecide},
		{"seal stamp", "IN", "seal a PDF, an OFD, a JSON document or, detached, any file", runStamp},
		{"seal batch", "DIR | FILES...", "seal many documents; run again, it goes on where it was ended", runBatch},
		{"seal uses", "", "list, search and export the seal-use register", runSealUses},
		{"seal reconcile", "", "hold the counters of the seals' keys against the register", runSealReconcile},
		{"seal augment", "IN", "put the evidence for later years into a sealed PDF, or renew it", runAugment},
		{"license type", "", "define a licence type, or list them", runLicenseType},
		{"license issue", "", "issue a licence as a sealed JSON document", runLicenseIssue},
		{"license show", "IDENTIFIER", "show a licence", runLicenseShow},
		{"license list", "", "list licences", runLicenseList},
		{"license suspend", "IDENTIFIER", "suspend a licence", runLicenseChange},
		{"license resume", "IDENTIFIER", "end a suspension", runLicenseChange},
		{"license revoke", "IDENTIFIER", "revoke a licence, for ever", runLicenseChange},
		{"verify", "FILE...", "judge sealed files; needs no data folder", runVerify},
		{"trust export", "", "write the trust bundle of a data folder", runTrustExport},
		{"trust show", "[BUNDLE]", "show what a bundle, or a data folder, trusts", runTrustShow},
		{"trust add", "BUNDLE", "trust a scheme for the first time, by its fingerprint", runTrustAdd},
		{"trust import", "BUNDLE", "take newer lists of a scheme that is trusted", runTrustImport},
		{"trust remove", "SCHEME", "end the trust in a scheme", runTrustRemove},
		{"trust key", "", "make an offline key that signs scheme lists; needs no data folder", runTrustKey},
		{"trust draft", "", "draft the next scheme list; needs no data folder", runTrustDraft},
		{"trust sign", "LIST...", "sign a scheme list with an offline key; needs no data folder", runTrustSign},
		{"journal verify", "", "re-derive the journal from its leaves and find every record", runJournalVerify},
		{"version", "", "print the version", runVersion},
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (c *call) options(log *slog.Logger) (province.Options, error) {
	dir, err := c.folder()
	if err != nil {
		return province.Options{}, err
	}
	pass, err := c.passphrase()
	if err != nil {
		return province.Options{}, err
	}
	return province.Options{Dir: dir, Passphrase: pass, Clock: time.Now, Rand: rand.Reader, Log: log, Ask: c.ask}, nil
}

// withProvince opens the data folder for one command.
func (c *call) withProvince(ctx context.Context, do func(p *province.Province) error) (err error) {
	o, err := c.options(quiet())
	if err != nil {
		return err
	}
	p, err := province.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := p.Close(); err == nil {
			err = cerr
		}
	}()
	return do(p)
}
