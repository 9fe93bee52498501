package command

import (
	"time"

	"github.com/asyncqueue/operator/internal/workerenv"
	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/exechandler"
	"github.com/asyncqueue/operator/worker/httphandler"
)

// exclusiveKillAfter leaves a command at an exclusive queue half of the 2 s that lie
// between the loss of its turn and the next one's beginning.
const exclusiveKillAfter = time.Second

// chooseHandler returns the one handler that the program and its settings name.
func (c *cli) chooseHandler() (worker.Handler, error) {
	s := c.settings
	url, exec := workerenv.Named(workerenv.HTTPURL).Flag(), workerenv.Named(workerenv.Exec).Flag()
	switch chosen := s.HTTPURL != "" || len(s.Exec) > 0; {
	case c.handler != nil && chosen:
		return nil, usagef("choosing a handler: %s brings its own, which excludes --%s and --%s", c.program, url, exec)
	case c.handler != nil:
		return c.handler, nil
	case !chosen:
		return nil, usagef("choosing a handler: --%s, --%s or a command after -- must be given", url, exec)
	case s.HTTPURL != "":
		return asUsage(httphandler.New(httphandler.Config{URL: s.HTTPURL, Source: c.source(), Concurrency: s.Concurrency}))
	}
	var killAfter time.Duration // the default
	if s.Exclusive {
		killAfter = exclusiveKillAfter
	}
	return asUsage(exechandler.New(exechandler.Config{
		Command: s.Exec, KillAfter: killAfter,
		Payload: exechandler.Payload(s.Payload),
		Source:  c.source(),
		Output:  c.streams.Err,
	}))
}

// asUsage turns the refusal of a configuration into a usage error.
func asUsage[H worker.Handler](h H, err error) (worker.Handler, error) {
	if err != nil {
		return nil, &usageError{err}
	}
	return h, nil
}
