package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// tlsFlags are how serve is reached.
type tlsFlags struct{ cert, key, clientCA *string }

func (c *call) withTLS() tlsFlags {
	return tlsFlags{
		cert:     c.flags.String("tls-cert", "", "serve TLS 1.3 with the certificate chain in this PEM `file` (RSA or P-256: no client of TLS 1.3 takes SM2)"),
		key:      c.flags.String("tls-key", "", "its private key, PEM `file`"),
		clientCA: c.flags.String("client-ca", "", "PEM `file` of authorities whose client certificates may enrol (EST): they are taken for the agency whose code is their subject's serialNumber or organizationIdentifier"),
	}
}

// maxPEM bounds the files: a chain takes 10 KB.
const maxPEM = 1 << 20

// config reads the files; nil without TLS.
func (f tlsFlags) config() (*tls.Config, error) {
	if *f.cert == "" && *f.key == "" {
		if *f.clientCA != "" {
			return nil, usageError("--client-ca needs --tls-cert and --tls-key")
		}
		return nil, nil
	}
	if *f.cert == "" || *f.key == "" {
		return nil, usageError("--tls-cert and --tls-key go together")
	}
	chain, err := readSmall(*f.cert, maxPEM)
	if err != nil {
		return nil, err
	}
	key, err := readSmall(*f.key, maxPEM)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, badInput(*f.cert, err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}}
	if *f.clientCA == "" {
		return config, nil
	}
	authorities, err := readSmall(*f.clientCA, maxPEM)
	if err != nil {
		return nil, err
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(authorities) {
		return nil, badInput(*f.clientCA, errors.New("there is no certificate in it that TLS can use"))
	}
	// Whoever has none comes with a bearer key.
	config.ClientAuth = tls.VerifyClientCertIfGiven
	return config, nil
}
