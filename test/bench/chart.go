package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// panel is a diagram with logarithmic axes.
type panel struct {
	title, xTitle string
	lines         []line
}

// line is a line of a panel; class is how it looks.
type line struct {
	class, name string
	points      []point
}

type point struct {
	x int
	y time.Duration
}

const (
	panelWidth, chartHeight  = 400, 340
	left, right, top, bottom = 62, 20, 44, 290 // of the axes, in a panel
)

// chart returns the growth with profiles and with roles, as SVG.
func (r report) chart() string {
	loads := panel{"Time of LoadDefaultConfig, feature used", "profiles in the config file",
		[]line{{class: "upstream", name: "upstream, token file"}, {class: "here", name: "here, token server"}}}
	for _, l := range r.loads {
		if l.used {
			loads.lines[0].points = append(loads.lines[0].points, point{l.profiles, l.there})
			loads.lines[1].points = append(loads.lines[1].points, point{l.profiles, l.here})
		}
	}
	atOnce := panel{"Time to credentials, all roles at once", "roles, of as many profiles in the config file", []line{
		{class: "file", name: "upstream, token file there"}, {class: "upstream", name: "token request + upstream"},
		{class: "here", name: "here, token server"}}}
	for _, n := range r.roles {
		atOnce.lines[0].points = append(atOnce.lines[0].points, point{n.n, n.withToken.there})
		atOnce.lines[1].points = append(atOnce.lines[1].points, point{n.n, n.withRequest.there})
		atOnce.lines[2].points = append(atOnce.lines[2].points, point{n.n, n.withRequest.here})
	}

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="Growth of load time with profiles and of retrieval time with roles, here and upstream">
<style>
	text { font: 12px system-ui, sans-serif; fill: #1f2328; stroke: #ffffff; stroke-width: 4px; paint-order: stroke }
	.title { font-weight: bold }
	.ground { fill: #ffffff }
	.grid { stroke: #d1d9e0 }
	polyline, circle { stroke-width: 2 }
	polyline { fill: none }
	polyline.upstream { stroke-dasharray: 6 3 }
	polyline.file { stroke-dasharray: 2 3 }
	.here { stroke: #0969da }
	.upstream { stroke: #bc4c00 }
	.file { stroke: #6e7781 }
	@media (prefers-color-scheme: dark) {
		text { fill: #f0f6fc; stroke: #0d1117 }
		.ground { fill: #0d1117 }
		.grid { stroke: #3d444d }
		.here { stroke: #4493f8 }
		.upstream { stroke: #f0883e }
		.file { stroke: #9198a1 }
	}
</style>
<rect class="ground" width="100%%" height="100%%"/>
`, 2*panelWidth, chartHeight)
	for i, p := range []panel{loads, atOnce} {
		fmt.Fprintf(&b, "<g transform=\"translate(%d)\">\n%s</g>\n", i*panelWidth, p.svg())
	}
	return b.String() + "</svg>\n"
}

func (p panel) svg() string {
	xs := p.lines[0].points
	least, most := p.lines[0].points[0].y, p.lines[0].points[0].y
	for _, l := range p.lines {
		for _, q := range l.points {
			least, most = min(least, q.y), max(most, q.y)
		}
	}
	// Whole powers of ten lie about all points.
	floor, ceiling := math.Floor(math.Log10(float64(least))), math.Ceil(math.Log10(float64(most)))
	x := func(v int) float64 {
		return left + 10 + (panelWidth-left-right-20)*math.Log10(float64(v))/math.Log10(float64(xs[len(xs)-1].x))
	}
	y := func(d float64) float64 { return bottom - (bottom-top)*(math.Log10(d)-floor)/(ceiling-floor) }

	var b strings.Builder
	fmt.Fprintf(&b, "<text class=\"title\" x=\"%d\" y=\"24\">%s</text>\n", left, p.title)
	for exponent := floor; exponent <= ceiling; exponent++ {
		d := math.Pow(10, exponent)
		fmt.Fprintf(&b, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%v</text>\n",
			left, y(d), panelWidth-right, left-6, y(d)+4, time.Duration(d))
	}
	for _, q := range xs {
		fmt.Fprintf(&b, "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
			x(q.x), top, bottom, x(q.x), bottom+17, commas(q.x))
	}
	fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", (left+panelWidth-right)/2, bottom+37,
		p.xTitle)
	for i, l := range p.lines {
		var points, dots []string
		for _, q := range l.points {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(q.x), y(float64(q.y))))
			dots = append(dots, fmt.Sprintf("<circle class=\"ground %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", l.class,
				x(q.x), y(float64(q.y))))
		}
		at := top + 16 + 18*i
		fmt.Fprintf(&b, "<polyline class=\"%s\" points=\"%s\"/>%s\n", l.class, strings.Join(points, " "),
			strings.Join(dots, ""))
		fmt.Fprintf(&b, "<polyline class=\"%s\" points=\"%d,%d %d,%d\"/><text x=\"%d\" y=\"%d\">%s</text>\n", l.class,
			left+12, at, left+40, at, left+47, at+4, l.name)
	}
	return b.String()
}
