package catalogue

import (
	"context"
	"database/sql/driver"
)

var _ driver.Connector = connector{}

// Connect opens one connection.
func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.name) }

// Driver gives the driver that Connect uses.
func (c connector) Driver() driver.Driver { return c.driver }
