package command

import (
	"github.com/asyncqueue/operator/internal/workerenv"
	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/exechandler"
	"github.com/asyncqueue/operator/worker/httphandler"
)

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
	return asUsage(exechandler.New(exechandler.Config{
		Command: s.Exec,
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
