package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"time"

	"yinxin/internal/province"
	"yinxin/internal/server"
)

func runServe(ctx context.Context, c *call) error {
	c.withData()
	listen := c.flags.String("listen", "127.0.0.1:8520", "`address` to listen on")
	maxBody := c.flags.Int64("max-body", server.DefaultMaxBody, "largest body in `bytes`")
	secure := c.withTLS()
	offline := c.flags.Bool("offline", false, "ask no other region for its lists or its answers")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	config, err := secure.config()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(c.err, nil))
	o, err := c.options(log)
	if err != nil {
		return err
	}
	o.Ask = !*offline
	p, err := province.Open(ctx, o)
	if err != nil {
		return err
	}
	err = serve(ctx, c, p, log, *listen, *maxBody, config)
	if cerr := p.Close(); err == nil {
		err = cerr
	}
	return err
}

// A stamp leaves 100 KB behind and little stays, so a server's heap may grow to some
// nine times what is alive before it is collected: sooner costs a tenth of the
// processor. Towards the soft limit it is collected as often as it takes. GOGC and
// GOMEMLIMIT go before both.
const (
	gcPercent = 800
	softLimit = 512 << 20
)

// serve answers on an address until ctx ends.
func serve(ctx context.Context, c *call, p *province.Province, log *slog.Logger, listen string, maxBody int64, secure *tls.Config) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return usageError(fmt.Sprintf("--listen: %v", err))
	}
	s, err := server.New(server.Config{Province: p, Clock: time.Now, Log: log, MaxBody: maxBody})
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit)
	}
	background, stop := context.WithCancel(ctx)
	defer stop()
	go p.Run(background)
	url := "http://" + l.Addr().String()
	if secure != nil {
		url = "https://" + l.Addr().String()
		l = tls.NewListener(l, secure)
	}
	if err := c.print(map[string]string{"url": url}, func(w io.Writer) { fmt.Fprintf(w, "serving %s on %s\n", p.Identity.Name, url) }); err != nil {
		return err
	}
	return s.Serve(ctx, l)
}
