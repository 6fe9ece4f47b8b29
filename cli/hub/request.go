package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	mostRedirects  = 10
	stallTime      = time.Minute
	firstPause     = time.Second
	longestPause   = time.Minute
	longestAsked   = 10 * time.Minute // that a hub may ask to wait
	mostTries      = 6                // without a byte between them
	longestListing = 16 << 20
)

// get sends one request. What is not a 2xx is one of the package's errors. The
// caller closes the body.
func (h *Hub) get(ctx context.Context, address, what string, from int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("ask the hub for %s: %w", what, err)
	}
	request.Header.Set("Accept-Encoding", "identity") // sizes and ranges are those of the file
	request.Header.Set("User-Agent", "vsectl")
	if h.Token != "" {
		request.Header.Set("Authorization", "Bearer "+h.Token)
	}
	if from > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	response, err := h.client().Do(request)
	if err != nil {
		return nil, askError(ctx, what, err)
	}
	if err := h.refusal(response, what); err != nil {
		response.Body.Close()
		return nil, err
	}
	return response, nil
}

func (h *Hub) client() *http.Client {
	transport := h.transport
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.ResponseHeaderTimeout = h.stall()
		h.transport, transport = own, own
	}
	return &http.Client{Transport: transport, CheckRedirect: checkRedirect}
}

func (h *Hub) stall() time.Duration {
	if h.Stall > 0 {
		return h.Stall
	}
	return stallTime
}

// Close lets go of idle connections.
func (h *Hub) Close() {
	client := h.client()
	client.CloseIdleConnections()
}

// checkRedirect lets no token go to another host, nor over an open wire what came
// over a closed one.
func checkRedirect(next *http.Request, before []*http.Request) error {
	first := before[0].URL
	switch {
	case len(before) > mostRedirects:
		return &RedirectError{fmt.Sprintf("it leads on more than %d times", mostRedirects)}
	case next.URL.Scheme != "https" && next.URL.Scheme != "http":
		return &RedirectError{"it leads to " + next.URL.Scheme + ":"}
	case first.Scheme == "https" && next.URL.Scheme != "https":
		return &RedirectError{"it leads from https to " + next.URL.Scheme}
	case next.URL.Host != first.Host:
		next.Header.Del("Authorization")
		next.Header.Del("Referer")
	}
	return nil
}

// askError takes the address out of an error: that of a redirect may hold a
// signature that is as good as a password.
func askError(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var redirect *RedirectError
	if errors.As(err, &redirect) {
		return redirect
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &unreachableError{what, err}
}

// An unreachableError says that the hub could not be asked.
type unreachableError struct {
	what  string
	cause error
}

func (e *unreachableError) Error() string {
	return fmt.Sprintf("ask the hub for %s: %v; --mirror names another hub, --from a folder that was downloaded elsewhere", e.what, e.cause)
}

func (e *unreachableError) Unwrap() error { return e.cause }

func (h *Hub) refusal(response *http.Response, what string) error {
	switch status := response.StatusCode; {
	case status/100 == 2:
		return nil
	case status == http.StatusRequestedRangeNotSatisfiable:
		return errRange
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return &DeniedError{what, h.Token != ""}
	case status == http.StatusNotFound, status == http.StatusGone:
		return &MissingError{what}
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return &BusyError{What: what, Status: statusText(status), After: retryAfter(response.Header)}
	default:
		return &PageError{what, "the answer " + statusText(status)}
	}
}

// errRange is the answer to a range behind the file's end.
var errRange = errors.New("the hub has no such range")

func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if when, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(when))
	}
	return 0
}

// isPage reports whether an answer is a web page.
func isPage(response *http.Response) bool {
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return kind == "text/html" || kind == "application/xhtml+xml"
}

// retry repeats what fails for a passing reason, with growing pauses. moved says
// that a try got further, which gives all tries back.
func (h *Hub) retry(ctx context.Context, try func() (moved bool, err error)) error {
	for failed := 0; ; {
		moved, err := try()
		if err == nil || ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if moved {
			failed = 0
		}
		failed++
		pause, again := pauseAfter(err, failed)
		if !again || failed >= mostTries {
			return err
		}
		h.note(fmt.Sprintf("%s; again in %v", cause(err), pause.Round(time.Second)))
		if err := h.pause(ctx, pause); err != nil {
			return err
		}
	}
}

// pauseAfter tells how long to wait after the given number of failures, and
// whether to try again at all.
func pauseAfter(err error, failed int) (time.Duration, bool) {
	pause := min(firstPause<<(failed-1), longestPause)
	var busy *BusyError
	var truncated *TruncatedError
	var network net.Error
	var unreachable *unreachableError
	switch {
	case errors.As(err, &busy):
		return max(pause, busy.After), busy.After <= longestAsked
	case errors.As(err, &truncated), errors.Is(err, errRange):
		return pause, true
	case errors.As(err, &unreachable):
		var unknown *net.DNSError
		if errors.As(err, &unknown) && unknown.IsNotFound {
			return 0, false
		}
		return pause, errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	}
	return 0, false
}

// cause is an error without its remedy, which is that of the last try.
func cause(err error) string {
	text, _, _ := strings.Cut(err.Error(), ": try again")
	return text
}

func (h *Hub) note(line string) {
	if h.Note != nil {
		h.Note(line)
	}
}

func (h *Hub) pause(ctx context.Context, d time.Duration) error {
	if h.Pause != nil {
		return h.Pause(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
