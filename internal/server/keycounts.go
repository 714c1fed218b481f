package server

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"yinxin/internal/province"
	"yinxin/seal/batch"
)

var (
	keysBehind = prometheus.NewDesc("yinxin_seal_keys_behind", "Keys of seals that are missing or whose counter of uses stands behind the register: an older copy of the keys, or a second one that signs elsewhere.", nil, nil)
	usesUntold = prometheus.NewDesc("yinxin_seal_signatures_untold", "Signatures of seals' keys that have no act as yet; the next start journals them.", nil, nil)
	jobItems   = prometheus.NewDesc("yinxin_stamp_job_items_total", "Documents of jobs that were sealed or failed since the start.", []string{"state"}, nil)
)

// keyCounts holds the counters of the seals' keys against the register.
type keyCounts struct {
	p   *province.Province
	log *slog.Logger
}

func (k keyCounts) Describe(ch chan<- *prometheus.Desc) {
	ch <- keysBehind
	ch <- usesUntold
	ch <- jobItems
}

// Collect leaves the metrics out if the register cannot be read.
func (k keyCounts) Collect(ch chan<- prometheus.Metric) {
	sealed, failed := k.p.Batches.Counts()
	ch <- prometheus.MustNewConstMetric(jobItems, prometheus.CounterValue, float64(sealed), string(batch.Sealed))
	ch <- prometheus.MustNewConstMetric(jobItems, prometheus.CounterValue, float64(failed), string(batch.Failed))
	ctx, cancel := context.WithTimeout(context.Background(), endsTime)
	defer cancel()
	behind, untold, err := k.p.KeyCounts(ctx)
	if err != nil {
		k.log.Error("the counters of the seals' keys cannot be read", "error", err)
		return
	}
	ch <- prometheus.MustNewConstMetric(keysBehind, prometheus.GaugeValue, float64(behind))
	ch <- prometheus.MustNewConstMetric(usesUntold, prometheus.GaugeValue, float64(untold))
}
