package ledger

import "sync"

// Pushed counts the copies of one message: messages with the same id have the same bytes.
type Pushed struct {
	Confirmed int // Redis said yes
	Unknown   int // the answer was lost: they may stand there or not
}

// Book is what the producers pushed. It is safe for concurrent use; the zero value is ready.
type Book struct {
	mu     sync.Mutex
	pushed map[string]Pushed
}

// Confirm notes that Redis took a copy of the message.
func (b *Book) Confirm(id string) { b.add(id, Pushed{Confirmed: 1}) }

// Doubt notes that Redis may have taken a copy of the message.
func (b *Book) Doubt(id string) { b.add(id, Pushed{Unknown: 1}) }

func (b *Book) add(id string, p Pushed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pushed == nil {
		b.pushed = make(map[string]Pushed)
	}
	now := b.pushed[id]
	b.pushed[id] = Pushed{Confirmed: now.Confirmed + p.Confirmed, Unknown: now.Unknown + p.Unknown}
}

// Pushed returns a copy of what was noted, by id.
func (b *Book) Pushed() map[string]Pushed {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make(map[string]Pushed, len(b.pushed))
	for id, p := range b.pushed {
		all[id] = p
	}
	return all
}

// Confirmed returns how many pushes were confirmed so far.
func (b *Book) Confirmed() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, p := range b.pushed {
		n += p.Confirmed
	}
	return n
}
