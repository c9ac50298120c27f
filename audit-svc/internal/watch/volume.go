package watch

import (
	"errors"
	"math"
	"slices"
)

// Peers says when a member opened far more people than others. Its parts are explained in rules.v1.yaml.
type Peers struct {
	WindowDays    int     `yaml:"window_days"`
	PeersAtLeast  int     `yaml:"peers_at_least"`
	DaysAtLeast   int     `yaml:"days_at_least"`
	PeopleAtLeast int     `yaml:"people_at_least"`
	Deviations    float64 `yaml:"deviations"`
	TimesMedian   float64 `yaml:"times_median"`
	WithoutPeers  int     `yaml:"without_peers"`
}

// Sample is what others in the same role at the same organisation did on the days of the window: the member
// in question is not among them.
type Sample struct {
	// Peers is how many others there are.
	Peers int
	// People is the number of people opened on each of their days, in any order. A day without any is none.
	People []int
}

// madToSigma makes the median absolute deviation of a normal distribution its standard deviation.
const madToSigma = 1.4826

func (p *Peers) check() error {
	switch {
	case p.WindowDays < 1 || p.WindowDays > 366:
		return errors.New("window_days must be 1 to 366")
	case p.PeersAtLeast < 1 || p.DaysAtLeast < 1 || p.PeopleAtLeast < 1 || p.WithoutPeers < 1:
		return errors.New("peers_at_least, days_at_least, people_at_least and without_peers must be at least 1")
	case p.Deviations <= 0 || p.TimesMedian < 1:
		return errors.New("deviations must be above 0, and times_median at least 1")
	}
	return nil
}

// limit is the number of people that is not far above yet. Median and median absolute deviation, and not mean
// and standard deviation: one member who opens hundreds must not move what is held against them next month.
func (p *Peers) limit(s Sample) int {
	if s.Peers < p.PeersAtLeast || len(s.People) < p.DaysAtLeast {
		return p.WithoutPeers
	}
	m := median(s.People)
	away := make([]float64, len(s.People))
	for i, n := range s.People {
		away[i] = math.Abs(float64(n) - m)
	}
	far := max(m+p.Deviations*madToSigma*median(away), p.TimesMedian*m)
	// people_at_least is compared by Judge; the limit itself is rounded up, so that "above" stays above.
	return int(math.Ceil(far))
}

// median of numbers; 0 of none.
func median[N int | float64](numbers []N) float64 {
	if len(numbers) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(numbers))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return float64(sorted[middle])
	}
	return (float64(sorted[middle-1]) + float64(sorted[middle])) / 2
}
