package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// Bounds of what the client reads: generous for a real answer, and a stop for
// whatever else may listen on the socket.
const (
	maxAnswerBytes  = 64 << 20
	maxProblemBytes = 64 << 10
)

// A Client asks the daemon over its unix socket. The zero value is ready and
// asks at DefaultSocket. It must not be copied after its first use; it may be
// used by several goroutines.
//
// Each method returns *NoDaemonError where nothing listens, *Error where the
// daemon refuses, and the context's error where the context ends first.
type Client struct {
	// Socket is the daemon's socket; empty means DefaultSocket.
	Socket string

	once sync.Once
	http *http.Client
}

// A NoDaemonError says that no daemon listens on Socket.
type NoDaemonError struct{ Socket string }

func (e *NoDaemonError) Error() string {
	return fmt.Sprintf("no daemon answers at %q: start it with `systemctl start vsed`, or with `vsed run --state DIR --folder DIR --socket %s`, or name another socket with --socket or VSED_SOCKET", e.Socket, e.Socket)
}

// Search asks for the photos that fit query, best first. limit 0 means
// DefaultLimit; cursor is empty or the Next of an earlier answer to the query.
func (c *Client) Search(ctx context.Context, query string, limit int, cursor string) (SearchResult, error) {
	return c.Find(ctx, SearchRequest{Query: query, Limit: limit, Cursor: cursor})
}

// Find is Search with all that can be asked for.
func (c *Client) Find(ctx context.Context, asked SearchRequest) (SearchResult, error) {
	if err := CheckQuery(asked.Query); err != nil {
		return SearchResult{}, err
	}
	values := url.Values{"q": {asked.Query}}
	if asked.Limit != 0 {
		values.Set("limit", strconv.Itoa(asked.Limit))
	}
	if asked.Cursor != "" {
		values.Set("cursor", asked.Cursor)
	}
	for name, on := range map[string]bool{"typing": asked.Typing, "explain": asked.Explain} {
		if on {
			values.Set(name, "true")
		}
	}
	return ask[SearchResult](ctx, c, http.MethodGet, "/v1/search?"+values.Encode(), nil)
}

// Status asks how far the daemon is and what it watches.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c, http.MethodGet, "/v1/status", nil)
}

// Photo asks for one photo by its number.
func (c *Client) Photo(ctx context.Context, id int64) (Photo, error) {
	return ask[Photo](ctx, c, http.MethodGet, photoRoute(id, ""), nil)
}

// PhotosByPath asks for the photos at an absolute path, given by its exact
// bytes. There may be none.
func (c *Client) PhotosByPath(ctx context.Context, path string) ([]Photo, error) {
	list, err := ask[PhotoList](ctx, c, http.MethodGet, "/v1/photos?"+pathQuery(path), nil)
	return list.Photos, err
}

// Tags asks for the tags of a photo.
func (c *Client) Tags(ctx context.Context, id int64) ([]Tag, error) {
	return c.tags(ctx, http.MethodGet, photoRoute(id, "/tags"), nil)
}

// AddTags gives the photo the user's tags names, and returns all that it has.
func (c *Client) AddTags(ctx context.Context, id int64, names []string) ([]Tag, error) {
	if err := CheckTags(names); err != nil {
		return nil, err
	}
	return c.tags(ctx, http.MethodPost, photoRoute(id, "/tags"), TagNames{Names: names})
}

// RemoveTags takes the tags names from the photo, whoever gave them, and returns what is
// left.
func (c *Client) RemoveTags(ctx context.Context, id int64, names []string) ([]Tag, error) {
	query := url.Values{"name": names}
	return c.tags(ctx, http.MethodDelete, photoRoute(id, "/tags?"+query.Encode()), nil)
}

func (c *Client) tags(ctx context.Context, method, route string, body any) ([]Tag, error) {
	list, err := ask[TagList](ctx, c, method, route, body)
	return list.Tags, err
}

// Thumbnail gives the photo's small picture, a WebP file.
func (c *Client) Thumbnail(ctx context.Context, id int64) ([]byte, error) {
	response, err := c.do(ctx, http.MethodGet, photoRoute(id, "/thumbnail"), nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return readBounded(response.Body)
}

// Folders asks for the watched folders.
func (c *Client) Folders(ctx context.Context) ([]Folder, error) {
	list, err := ask[FolderList](ctx, c, http.MethodGet, "/v1/folders", nil)
	return list.Folders, err
}

// AddFolder has the daemon watch the folder at an absolute path.
func (c *Client) AddFolder(ctx context.Context, path string) (Folder, error) {
	return ask[Folder](ctx, c, http.MethodPost, "/v1/folders", NewPath(path))
}

// RemoveFolder has the daemon forget the folder. Its files are not touched.
func (c *Client) RemoveFolder(ctx context.Context, path string) error {
	response, err := c.do(ctx, http.MethodDelete, "/v1/folders?"+pathQuery(path), nil)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func photoRoute(id int64, rest string) string {
	return "/v1/photos/" + strconv.FormatInt(id, 10) + rest
}

func pathQuery(raw string) string {
	path := NewPath(raw)
	if path.Base64 != "" {
		return url.Values{"path_base64": {path.Base64}}.Encode()
	}
	return url.Values{"path": {path.Text}}.Encode()
}

// ask sends body, where there is one, as JSON, and reads the answer as a T.
func ask[T any](ctx context.Context, c *Client, method, route string, body any) (T, error) {
	var answer T
	response, err := c.do(ctx, method, route, body)
	if err != nil {
		return answer, err
	}
	return decode[T](c, response)
}

func decode[T any](c *Client, response *http.Response) (answer T, err error) {
	defer response.Body.Close()
	content, err := readBounded(response.Body)
	if err != nil || len(content) == 0 {
		return answer, err
	}
	if err := json.Unmarshal(content, &answer); err != nil {
		return answer, fmt.Errorf("the daemon at %q gave an answer that is not understood, is its version another? %w", c.socket(), err)
	}
	return answer, nil
}

// do sends one request and turns every answer but a 2xx into an error. The
// caller closes the response's body.
func (c *Client) do(ctx context.Context, method, route string, body any) (*http.Response, error) {
	request, err := newRequest(ctx, method, route, body)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, request)
}

func (c *Client) send(ctx context.Context, request *http.Request) (*http.Response, error) {
	response, err := c.client().Do(request)
	if err != nil {
		return nil, c.connectError(ctx, err)
	}
	if response.StatusCode/100 != 2 {
		defer response.Body.Close()
		return nil, problem(response)
	}
	return response, nil
}

// upload sends content as it is and reads the answer as a T.
func upload[T any](ctx context.Context, c *Client, method, route, kind string, content io.Reader) (answer T, err error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://vsed"+route, content)
	if err != nil {
		return answer, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", kind)
	response, err := c.send(ctx, request)
	if err != nil {
		return answer, err
	}
	return decode[T](c, response)
}

func newRequest(ctx context.Context, method, route string, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://vsed"+route, content)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

func (c *Client) socket() string {
	if c.Socket == "" {
		return DefaultSocket
	}
	return c.Socket
}

func (c *Client) client() *http.Client {
	c.once.Do(func() {
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", c.socket())
		}
		c.http = &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConns: 4}}
	})
	return c.http
}

// Close lets go of idle connections. The client stays usable.
func (c *Client) Close() { c.client().CloseIdleConnections() }

// connectError takes the request's address out of the message: it names no
// real host, and its query may be private.
func (c *Client) connectError(ctx context.Context, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return &NoDaemonError{Socket: c.socket()}
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("not allowed to use the socket %q: become a member of the group that owns it (`ls -l` shows it), then log in again: %w", c.socket(), err)
	}
	return fmt.Errorf("ask the daemon at %q: %w", c.socket(), err)
}

func readBounded(body io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(body, maxAnswerBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the daemon's answer: %w", err)
	}
	if len(content) > maxAnswerBytes {
		return nil, fmt.Errorf("the daemon's answer is larger than %d MiB: ask for less with a smaller limit", maxAnswerBytes>>20)
	}
	return content, nil
}

// problem reads a refusal. What is not problem+json comes from the HTTP layer
// (or from no daemon of ours) and is told by its status.
func problem(response *http.Response) error {
	refusal := &Error{}
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if kind == "application/problem+json" {
		content, _ := io.ReadAll(io.LimitReader(response.Body, maxProblemBytes))
		_ = json.Unmarshal(content, refusal) // what cannot be read is filled in below
	}
	refusal.Status = response.StatusCode
	if refusal.Title == "" {
		refusal.Title = http.StatusText(response.StatusCode)
	}
	if refusal.Detail == "" {
		refusal.Detail = fmt.Sprintf("the daemon answered %d %s", refusal.Status, refusal.Title)
	}
	return refusal
}
