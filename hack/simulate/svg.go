package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Measures of the plot, in pixels.
const (
	plotWidth   = 960
	panelHeight = 180
	margin      = 56
	gapBelow    = 44
)

// curve is one line of a panel.
type curve struct {
	name, color string
	values      []float64
}

// panel is one diagram over time.
type panel struct {
	title  string
	curves []curve
}

// writeSVG draws replays of one trace: what waits, and the number of workers.
func writeSVG(out io.Writer, replays []replay) error {
	var s strings.Builder
	panels := panelsOf(replays)
	height := margin + len(panels)*(panelHeight+gapBelow)
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, height)
	fmt.Fprintf(&s, `<rect width="%d" height="%d" fill="white"/>`+"\n", plotWidth, height)
	fmt.Fprintf(&s, `<text x="%d" y="24" font-size="15">%s: %s</text>`+"\n", margin, replays[0].trace.name, replays[0].trace.about)
	for i, p := range panels {
		drawPanel(&s, p, replays[0], margin+i*(panelHeight+gapBelow))
	}
	s.WriteString("</svg>\n")
	if _, err := io.WriteString(out, s.String()); err != nil {
		return fmt.Errorf("writing the plot: %w", err)
	}
	return nil
}

var colors = []string{"#0b6e4f", "#c0392b"}

func panelsOf(replays []replay) []panel {
	series := func(of func(moment) float64) []curve {
		var curves []curve
		for i, r := range replays {
			c := curve{name: r.scaler, color: colors[i%len(colors)]}
			for _, m := range r.moments {
				c.values = append(c.values, of(m))
			}
			curves = append(curves, c)
		}
		return curves
	}
	return []panel{
		{"messages pushed a second", series(func(m moment) float64 { return m.arriving })[:1]},
		{"messages waiting", series(func(m moment) float64 { return float64(m.waiting) })},
		{"replicas wanted", series(func(m moment) float64 { return float64(m.replicas) })},
	}
}

func drawPanel(s *strings.Builder, p panel, r replay, top int) {
	length, most := r.trace.length, 1.0
	for _, c := range p.curves {
		for _, v := range c.values {
			most = max(most, v)
		}
	}
	x := func(at time.Duration) float64 { return margin + at.Seconds()/length.Seconds()*(plotWidth-2*margin) }
	y := func(v float64) float64 { return float64(top+panelHeight) - v/most*panelHeight }

	for _, m := range r.moments { // grey where Redis is away
		if m.away {
			fmt.Fprintf(s, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#eeeeee"/>`+"\n", x(m.at), top, x(time.Second)-margin+0.5, panelHeight)
		}
	}
	fmt.Fprintf(s, `<text x="%d" y="%d">%s, at most %.0f</text>`+"\n", margin, top-6, p.title, most)
	fmt.Fprintf(s, `<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#999999"/>`+"\n", margin, top, plotWidth-2*margin, panelHeight)
	for at := time.Duration(0); at <= length; at += 2 * time.Minute {
		fmt.Fprintf(s, `<text x="%.1f" y="%d" text-anchor="middle" fill="#666666">%d min</text>`+"\n", x(at), top+panelHeight+16, int(at.Minutes()))
	}
	for i, c := range p.curves {
		var points []string
		for n, v := range c.values {
			if n > 0 { // a size stands until the next second
				points = append(points, fmt.Sprintf("%.1f,%.1f", x(r.moments[n].at), y(c.values[n-1])))
			}
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(r.moments[n].at), y(v)))
		}
		fmt.Fprintf(s, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/>`+"\n", c.color, strings.Join(points, " "))
		if len(p.curves) > 1 {
			fmt.Fprintf(s, `<text x="%d" y="%d" fill="%s" text-anchor="end">%s</text>`+"\n", plotWidth-margin-6, top+16+16*i, c.color, c.name)
		}
	}
}
