package exechandler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"github.com/asyncqueue/operator/worker"
)

// The exit statuses with a meaning of their own, from sysexits.
const (
	exitRetry = 75 // EX_TEMPFAIL
	exitDrop  = 65 // EX_DATAERR
)

// Handler starts commands. It is safe for concurrent use.
type Handler struct {
	cfg Config
}

// New returns a Handler. The error names the field of cfg that is wrong, or says
// that the program cannot be found.
func New(cfg Config) (*Handler, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("making an exec handler: %w", err)
	}
	if _, err := exec.LookPath(cfg.Command[0]); err != nil {
		return nil, fmt.Errorf("making an exec handler: looking for the program: %w", err)
	}
	return &Handler{cfg: cfg}, nil
}

// Handle runs the command for one message and maps its exit to an outcome.
func (h *Handler) Handle(ctx context.Context, job *worker.Job) error {
	event, err := job.Message.CloudEvent(h.cfg.Source)
	if err != nil {
		return worker.Fail(fmt.Errorf("making a CloudEvent of job %q: %w", job.Type, err))
	}
	if job.Fence != 0 {
		event.SetExtension("fence", strconv.FormatUint(job.Fence, 10)) // CloudEvents integers have 32 bits
	}
	input, err := h.input(job, event)
	if err != nil {
		return worker.Fail(err)
	}
	var end tail
	command := h.command(ctx, job, event)
	command.Stdin = bytes.NewReader(input)
	output := io.MultiWriter(&end, h.cfg.Output)
	command.Stdout, command.Stderr = output, output
	stop := h.endGroupWith(ctx, command)
	err = command.Run()
	stop()
	return outcome(ctx, command.ProcessState, err, &end)
}

func (h *Handler) input(job *worker.Job, event *cloudevents.Event) ([]byte, error) {
	if h.cfg.Payload == PayloadRaw {
		return job.Message.Raw(), nil
	}
	text, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("writing job %q as a CloudEvent: %w", job.Type, err)
	}
	return text, nil
}

func (h *Handler) command(ctx context.Context, job *worker.Job, event *cloudevents.Event) *exec.Cmd {
	command := exec.CommandContext(ctx, h.cfg.Command[0], h.cfg.Command[1:]...) //nolint:gosec // the command is the user's configuration
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.WaitDelay = h.cfg.KillAfter + time.Second // a grandchild may hold the pipes open
	command.Env = append(os.Environ(), environment(ctx, job, event)...)
	return command
}

// endGroupWith makes the end of ctx the end of the command's process group: asked
// at first, killed after a while. The returned function is called when the
// command has ended, and kills what it left behind in that case.
func (h *Handler) endGroupWith(ctx context.Context, command *exec.Cmd) (stop func()) {
	var kill *time.Timer
	command.Cancel = func() error {
		group := -command.Process.Pid
		kill = time.AfterFunc(h.cfg.KillAfter, func() { _ = syscall.Kill(group, syscall.SIGKILL) }) // it may have ended
		if err := syscall.Kill(group, syscall.SIGTERM); !errors.Is(err, syscall.ESRCH) {
			return err
		}
		return os.ErrProcessDone
	}
	return func() {
		if ctx.Err() == nil || kill == nil {
			return
		}
		if kill.Stop() {
			_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // most often nothing is left
		}
	}
}

// outcome maps the end of a command to what becomes of the message.
func outcome(ctx context.Context, state *os.ProcessState, err error, output *tail) error {
	if state == nil {
		return fmt.Errorf("starting the command: %w", err)
	}
	status := state.ExitCode() // -1: a signal
	switch {
	case status == 0: // whatever Run says: a grandchild held the output, or the end of ctx came late
		return nil
	case status == exitRetry:
		return fmt.Errorf("command asked for a retry: %w", withOutput(err, output))
	case status == exitDrop:
		return fmt.Errorf("%w: %w", worker.Drop, withOutput(err, output))
	case ctx.Err() != nil:
		return fmt.Errorf("stopping the command: %w", context.Cause(ctx))
	}
	return fmt.Errorf("command failed: %w", withOutput(err, output))
}

func withOutput(err error, output *tail) error {
	if text := output.String(); text != "" {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}
