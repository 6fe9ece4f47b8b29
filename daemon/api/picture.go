package api

import (
	"context"
	"io"
	"net/http"
)

// MaxPictureBytes is the largest picture that the daemon takes.
const MaxPictureBytes = 256 << 20

// A Picture is the answer of POST /v1/pictures.
type Picture struct {
	Like string `json:"like" doc:"what stands for the picture after like: in a query, for as long as the daemon remembers it"`
}

// SendPicture has the daemon look at a picture that is not in its library, so that
// photos like it can be asked for. Nothing is stored.
func (c *Client) SendPicture(ctx context.Context, content io.Reader) (Picture, error) {
	return upload[Picture](ctx, c, http.MethodPost, "/v1/pictures", "application/octet-stream", content)
}
