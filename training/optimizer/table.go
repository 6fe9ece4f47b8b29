package optimizer

// Look copies rows of a table into the rows of a batch: what its words stand for. A
// row that is below zero is padding, and becomes zeros.
func Look(values []float32, width int, rows []int32, into []float32) {
	for i, row := range rows {
		if row < 0 {
			clear(into[i*width : (i+1)*width])
			continue
		}
		copy(into[i*width:(i+1)*width], values[int(row)*width:(int(row)+1)*width])
	}
}

// Collector adds up the gradients of a batch's rows by the row of the table that
// they were looked up from.
type Collector struct {
	place []int32 // by row of the table: 1 + where in the sum it is, or 0
}

// NewCollector is for a table of so many rows.
func NewCollector(rows int) *Collector { return &Collector{place: make([]int32, rows)} }

// Collect sets a table's Rows and Gradient to those of a batch, in the order in which
// the batch names the rows; a row that is below zero is padding, and left out.
func (c *Collector) Collect(table *Parameter, rows []int32, gradient []float32) {
	width := table.Width
	table.Rows, table.Gradient = table.Rows[:0], table.Gradient[:0]
	for i, row := range rows {
		if row < 0 {
			continue
		}
		own := gradient[i*width : (i+1)*width]
		if place := c.place[row]; place > 0 {
			sum := table.Gradient[(int(place)-1)*width : int(place)*width]
			for j, value := range own {
				sum[j] += value
			}
			continue
		}
		table.Rows = append(table.Rows, row)
		c.place[row] = int32(len(table.Rows))
		table.Gradient = append(table.Gradient, own...)
	}
	for _, row := range table.Rows {
		c.place[row] = 0
	}
}
