package main

import (
	"log"
	"runtime"
	"slices"
	"time"
)

// comparison is two ways to the same: another one and this module's.
type comparison struct {
	name        string
	there, here func() time.Duration // one operation each
	bound       float64              // what here/there is meant to keep; zero: nothing
}

// result is what a comparison found: medians, that of the ratio over pairs of
// turns.
type result struct {
	name        string
	there, here time.Duration
	ratio       float64
	bound       float64
}

// A turn of both measures operations for least. It begins with a garbage
// collection, and the next comes when some 3 MB are allocated: in shorter turns
// one side would have none. Of operations that take more than most there are
// fewer turns, but five.
const least, most = 100 * time.Millisecond, 400 * time.Millisecond

// measure takes turns, so that what else the machine does meets both alike.
func (c comparison) measure(rounds int) result {
	log.Print(c.name)
	once := c.there() + c.here()
	times := max(1, int(least/once))
	rounds = min(rounds, max(5, int(time.Duration(rounds)*most/once)))
	turn := func(operation func() time.Duration) (sum time.Duration) {
		runtime.GC()
		for range times {
			sum += operation()
		}
		return sum / time.Duration(times)
	}
	var (
		there, here []time.Duration
		ratios      []float64
	)
	for range rounds {
		t, h := turn(c.there), turn(c.here)
		there, here, ratios = append(there, t), append(here, h), append(ratios, float64(h)/float64(t))
	}
	slices.Sort(there)
	slices.Sort(here)
	slices.Sort(ratios)
	return result{c.name, there[rounds/2], here[rounds/2], ratios[rounds/2], c.bound}
}

// memory is what an operation allocates.
type memory struct{ count, bytes float64 }

func allocated(operation func() time.Duration) memory {
	const times = 10
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		operation()
	}
	runtime.ReadMemStats(&after)
	return memory{float64(after.Mallocs-before.Mallocs) / times, float64(after.TotalAlloc-before.TotalAlloc) / times}
}
