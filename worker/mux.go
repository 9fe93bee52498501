package worker

import "context"

// Mux is a Handler that chooses another by the job's type. Fill it before the
// worker starts: it is not locked.
//
// A job of an unknown type is answered with ErrUnknownType, past all middleware.
type Mux struct {
	routes     map[string]route
	middleware []Middleware
}

// route is the handler of one type, as it was registered and as it runs.
type route struct {
	registered, wrapped Handler
}

// NewMux returns a Mux without handlers.
func NewMux() *Mux { return &Mux{routes: make(map[string]route)} }

// Use puts middleware around every handler of the mux, those that are registered
// later included. What is given first runs first. The chains are built now, not
// with each job.
func (m *Mux) Use(middleware ...Middleware) {
	m.middleware = append(m.middleware, middleware...)
	for jobType, r := range m.routes {
		m.routes[jobType] = m.route(r.registered)
	}
}

// Register makes h the handler for jobs of one type, inside middleware of its own,
// which runs after that of Use. A second registration of the same type replaces
// the first.
func (m *Mux) Register(jobType string, h Handler, middleware ...Middleware) {
	m.routes[jobType] = m.route(Chain(h, middleware...))
}

// HandleFunc makes a function the handler for jobs of one type. See the function
// Handle for one with typed parameters.
func (m *Mux) HandleFunc(jobType string, f func(ctx context.Context, job *Job) error, middleware ...Middleware) {
	m.Register(jobType, HandlerFunc(f), middleware...)
}

// Handle runs the handler of the job's type, or returns ErrUnknownType.
func (m *Mux) Handle(ctx context.Context, job *Job) error {
	r, known := m.routes[job.Type]
	if !known {
		return ErrUnknownType
	}
	return r.wrapped.Handle(ctx, job)
}

func (m *Mux) route(h Handler) route {
	return route{registered: h, wrapped: Chain(h, m.middleware...)}
}
