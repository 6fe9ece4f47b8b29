package main

import (
	"context"
	"database/sql/driver"

	"github.com/mattn/go-sqlite3"
)

// A connector opens connections without a global registration of the driver.
type connector struct{ name string }

// Connect opens one connection.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	return (&sqlite3.SQLiteDriver{}).Open(c.name)
}

// Driver gives the driver that Connect uses.
func (c connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }
