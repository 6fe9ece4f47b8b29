package cli

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"vsed/daemon/api"
)

// A follower shows a swap to one encoder until it is over.
type follower struct {
	Common
	Waiting
	to   string
	last *api.SwapReport // of the swap before this one
	end  bool            // of the objects of --json, the one at the end alone
	out  Screen

	printed time.Time
	problem string
	bar     bar
}

// follow shows swap and what becomes of it.
func follow(ctx context.Context, f follower, swap api.Swap) error {
	if !f.Wait {
		return f.begun(swap)
	}
	f.bar.out = f.out
	ticker := time.NewTicker(f.Poll)
	defer ticker.Stop()
	for {
		if err := f.show(swap); err != nil || f.over(swap) {
			return errors.Join(err, f.bar.clear(), f.finish(swap, err))
		}
		select {
		case <-ctx.Done():
			return f.left(ctx)
		case <-ticker.C:
		}
		var err error
		if swap, err = f.Client.Swap(ctx); ctx.Err() != nil {
			return f.left(ctx)
		} else if err != nil {
			return errors.Join(f.bar.clear(), err)
		}
	}
}

func (f *follower) begun(swap api.Swap) error {
	if f.JSON {
		return f.out.jsonLine(swap)
	}
	return f.out.say("%s. It goes on by itself; `vsectl status` shows how far it is.", swapText(swap))
}

// over reports whether the swap is no longer under way.
func (f *follower) over(swap api.Swap) bool { return swap.Stage == api.SwapNone || swap.To != f.to }

func (f *follower) show(swap api.Swap) error {
	switch {
	case f.JSON && f.end && !f.over(swap):
		return nil
	case f.JSON:
		return f.out.jsonLine(swap)
	case f.over(swap):
		return nil
	}
	if err := f.showProblem(swap.Problem); err != nil {
		return err
	}
	if f.out.Width > 0 {
		return f.bar.draw(swap.Coverage.Encoded+swap.Coverage.SetAside, swap.Coverage.Total(), swapText(swap))
	}
	if time.Since(f.printed) < f.Print {
		return nil
	}
	f.printed = time.Now()
	return f.out.say("%s", swapText(swap))
}

// showProblem says once why nothing moves.
func (f *follower) showProblem(problem string) error {
	if problem == f.problem {
		return nil
	}
	f.problem = problem
	if problem == "" {
		return nil
	}
	return errors.Join(f.bar.clear(), f.out.say("It waits: %s", problem))
}

// left tells a user who ends the waiting that the swap goes on.
func (f *follower) left(ctx context.Context) error {
	if !f.JSON {
		_ = f.bar.clear() // the user is gone from here
		_ = f.out.say("The swap to %s goes on; `vsectl status` shows how far it is.", f.to)
	}
	return ctx.Err()
}

// finish tells how the swap ended.
func (f *follower) finish(swap api.Swap, err error) error {
	switch last := swap.Last; {
	case err != nil:
		return nil // told already
	case swap.Stage != api.SwapNone:
		return fmt.Errorf("the swap to %s gave way to one to %s", f.to, swap.To)
	case last == nil || last.To != f.to || reflect.DeepEqual(last, f.last):
		return fmt.Errorf("the swap to %s was ended by another command", f.to)
	case last.Failed != "":
		return fmt.Errorf("%s goes on serving: %s", last.From, last.Failed)
	case f.JSON:
		return nil
	}
	return showSwapReport(*swap.Last, f.out)
}

func showSwapReport(last api.SwapReport, out Screen) error {
	if err := errors.Join(out.say("%s serves in the place of %s.", last.To, last.From), out.printf("\n")); err != nil {
		return err
	}
	if err := showCoverage(last.Coverage, last.Offline, out); err != nil {
		return err
	}
	if last.Coverage.Waiting > 0 {
		return out.say("The photos that wait are encoded at once; `vsectl status --watch` shows how far they are.")
	}
	return nil
}

// swapText says in one line how far a swap is.
func swapText(swap api.Swap) string {
	c := swap.Coverage
	done := fmt.Sprintf("%s of %s", number(c.Encoded+c.SetAside), photos(c.Total()))
	switch swap.Stage {
	case api.SwapNone:
		return "no swap is under way"
	case api.SwapEncoding:
		text := fmt.Sprintf("%s encodes: %s", swap.To, done)
		if swap.Rate > 0 {
			text += fmt.Sprintf(", %.1f/s, %s left", swap.Rate, left(c.Waiting, swap.Rate))
		}
		return text
	case api.SwapPaused:
		return fmt.Sprintf("%s is paused at %s: `vsectl encoder resume` goes on", swap.To, done)
	case api.SwapOffline:
		return fmt.Sprintf("%s waits for %s (%s)", swap.To, folderNames(swap.Offline), photos(c.Offline))
	}
	return fmt.Sprintf("%s: %s", swap.To, swap.Stage)
}

func folderNames(folders []api.Path) string {
	switch len(folders) {
	case 0:
		return "folders that are offline"
	case 1:
		return rawPath(folders[0])
	}
	return fmt.Sprintf("%s and %s", rawPath(folders[0]), plural(int64(len(folders)-1), "more folder", "more folders"))
}
