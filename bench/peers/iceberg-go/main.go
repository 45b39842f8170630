// iceberg-go as a contestant: a line of JSON asks, a line of JSON answers. Times are taken here, rows are made before.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	_ "github.com/apache/iceberg-go/catalog/sql"
	icebergio "github.com/apache/iceberg-go/io"
	_ "github.com/apache/iceberg-go/io/gocloud"
	"github.com/apache/iceberg-go/table"
	_ "modernc.org/sqlite"
)

type event struct {
	id    int64
	ts    int64
	user  string
	kind  string
	url   string
	value float64
	flag  bool
}

type request struct {
	Do        string             `json:"do"`
	Settings  iceberg.Properties `json:"settings"`
	Warehouse string             `json:"warehouse"`
	Catalog   string             `json:"catalog"`
	First     int64              `json:"first"`
	Count     int64              `json:"count"`
	Arrow     bool               `json:"arrow"`
	Location  string             `json:"location"`
	Columns   []string           `json:"columns"`
	Where     string             `json:"where"`
}

type took struct {
	Ms       float64 `json:"ms"`
	CPUMs    float64 `json:"cpuMs"`
	Rows     int64   `json:"rows"`
	Attempts int     `json:"attempts"`
}

var kinds = []string{"view", "click", "scroll", "search", "cart", "order", "login", "logout"}

var schema = iceberg.NewSchema(0,
	iceberg.NestedField{ID: 1, Name: "id", Type: iceberg.PrimitiveTypes.Int64, Required: true},
	iceberg.NestedField{ID: 2, Name: "ts", Type: iceberg.PrimitiveTypes.TimestampTz},
	iceberg.NestedField{ID: 3, Name: "user", Type: iceberg.PrimitiveTypes.String},
	iceberg.NestedField{ID: 4, Name: "kind", Type: iceberg.PrimitiveTypes.String},
	iceberg.NestedField{ID: 5, Name: "url", Type: iceberg.PrimitiveTypes.String},
	iceberg.NestedField{ID: 6, Name: "value", Type: iceberg.PrimitiveTypes.Float64},
	iceberg.NestedField{ID: 7, Name: "flag", Type: iceberg.PrimitiveTypes.Bool},
)

// eventRows makes rows as bench/event-rows.ts does.
func eventRows(first, count int64) []event {
	random := rand.New(rand.NewSource(first + 1))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	rows := make([]event, count)
	for i := range rows {
		row := first + int64(i)
		rows[i] = event{
			id:   row,
			ts:   start + (row*250+random.Int63n(250))*1000,
			user: fmt.Sprintf("user-%d", random.Intn(100_000)),
			kind: kinds[random.Intn(len(kinds))],
			url: fmt.Sprintf("https://shop.example.org/category/%d/item/%d?ref=%d",
				random.Intn(50), random.Intn(1e9), random.Intn(1e6)),
			value: float64(random.Intn(1e6)) / 100,
			flag:  random.Intn(2) == 1,
		}
	}
	return rows
}

func toArrow(arrowSchema *arrow.Schema, rows []event) arrow.RecordBatch {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, arrowSchema)
	defer builder.Release()
	builder.Reserve(len(rows))
	ids := builder.Field(0).(*array.Int64Builder)
	times := builder.Field(1).(*array.TimestampBuilder)
	users := builder.Field(2).(*array.StringBuilder)
	kindsOf := builder.Field(3).(*array.StringBuilder)
	urls := builder.Field(4).(*array.StringBuilder)
	values := builder.Field(5).(*array.Float64Builder)
	flags := builder.Field(6).(*array.BooleanBuilder)
	for _, row := range rows {
		ids.Append(row.id)
		times.Append(arrow.Timestamp(row.ts))
		users.Append(row.user)
		kindsOf.Append(row.kind)
		urls.Append(row.url)
		values.Append(row.value)
		flags.Append(row.flag)
	}
	return builder.NewRecordBatch()
}

// parseFilter reads what the benchmarks ask for: comparisons with numbers and quoted times, joined by "and".
func parseFilter(where string) (iceberg.BooleanExpression, error) {
	var filter iceberg.BooleanExpression = iceberg.AlwaysTrue{}
	for _, part := range strings.Split(where, " and ") {
		words := strings.Fields(part)
		if len(words) != 3 {
			return nil, fmt.Errorf("not a comparison: %q", part)
		}
		operation, ok := map[string]iceberg.Operation{"<": iceberg.OpLT, ">=": iceberg.OpGTEQ}[words[1]]
		if !ok {
			return nil, fmt.Errorf("not a comparison: %q", part)
		}
		literal := iceberg.NewLiteral(strings.Trim(words[2], "'"))
		if number, err := strconv.ParseInt(words[2], 10, 64); err == nil {
			literal = iceberg.NewLiteral(number)
		}
		filter = iceberg.NewAnd(filter, iceberg.LiteralPredicate(operation, iceberg.Reference(words[0]), literal))
	}
	return filter, nil
}

func cpu() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func timed(work func() (int64, error)) (took, error) {
	start, startCPU := time.Now(), cpu()
	rows, err := work()
	return took{
		Ms:    float64(time.Since(start).Microseconds()) / 1000,
		CPUMs: float64((cpu() - startCPU).Microseconds()) / 1000,
		Rows:  rows,
	}, err
}

type peer struct {
	settings    iceberg.Properties
	catalog     catalog.Catalog
	table       *table.Table
	arrowSchema *arrow.Schema
	rows        []event
	batch       arrow.RecordBatch
}

var name = table.Identifier{"bench", "events"}

// open opens a catalog in a file; of several processes that share it the first makes the table, alone.
func (p *peer) open(ctx context.Context, in request) error {
	file := in.Catalog
	if file == "" {
		folder, err := os.MkdirTemp("", "iceberg-go-peer-")
		if err != nil {
			return err
		}
		file = filepath.Join(folder, "catalog.db")
	}
	p.settings = iceberg.Properties{
		"type": "sql", "sql.dialect": "sqlite", "sql.driver": "sqlite",
		"uri":       "file:" + file + "?_pragma=busy_timeout(60000)",
		"warehouse": in.Warehouse,
	}
	maps.Copy(p.settings, in.Settings)
	cat, err := catalog.Load(ctx, "bench", p.settings)
	if err != nil {
		return err
	}
	p.catalog = cat
	if p.table, err = cat.LoadTable(ctx, name); err != nil {
		if err := cat.CreateNamespace(ctx, table.Identifier{"bench"}, nil); err != nil {
			return err
		}
		if p.table, err = cat.CreateTable(ctx, name, schema); err != nil {
			return err
		}
	}
	p.arrowSchema, err = table.SchemaToArrowSchema(p.table.Schema(), nil, true, false)
	return err
}

// append appends as often as it takes: a conflict that the library's own retries did not get over is tried again.
func (p *peer) append(ctx context.Context) (took, error) {
	attempts := 0
	result, err := timed(func() (int64, error) {
		batch := p.batch
		if batch == nil {
			batch = toArrow(p.arrowSchema, p.rows)
		}
		for {
			attempts++
			reader, err := array.NewRecordReader(p.arrowSchema, []arrow.RecordBatch{batch})
			if err != nil {
				return 0, err
			}
			appended, err := p.table.Append(ctx, reader, nil)
			reader.Release()
			if err == nil {
				p.table = appended
				return batch.NumRows(), nil
			}
			if !isConflict(err) {
				return 0, err
			}
			if p.table, err = p.catalog.LoadTable(ctx, name); err != nil {
				return 0, err
			}
		}
	})
	result.Attempts = attempts
	return result, err
}

// isConflict also knows a requirement that failed, which the library gives no error value of its own.
func isConflict(err error) bool {
	return errors.Is(err, table.ErrCommitFailed) || strings.Contains(err.Error(), "requirement failed")
}

func (p *peer) location(ctx context.Context) (string, error) {
	found, err := p.catalog.LoadTable(ctx, name)
	if err != nil {
		return "", err
	}
	return found.MetadataLocation(), nil
}

// scan opens a table that another engine wrote.
func (p *peer) scan(ctx context.Context, in request) (*table.Scan, error) {
	found, err := table.NewFromLocation(ctx, table.Identifier{"bench", "read"}, in.Location,
		icebergio.LoadFSFunc(p.settings, in.Location), nil)
	if err != nil {
		return nil, err
	}
	options := []table.ScanOption{table.WithSelectedFields(in.Columns...)}
	if in.Where != "" {
		filter, err := parseFilter(in.Where)
		if err != nil {
			return nil, err
		}
		options = append(options, table.WithRowFilter(filter))
	}
	return found.Scan(options...), nil
}

// plan counts the files that a scan would read.
func (p *peer) plan(ctx context.Context, in request) (took, error) {
	scan, err := p.scan(ctx, in)
	if err != nil {
		return took{}, err
	}
	return timed(func() (int64, error) {
		tasks, err := scan.PlanFiles(ctx)
		return int64(len(tasks)), err
	})
}

func (p *peer) answer(ctx context.Context, in request) (any, error) {
	switch in.Do {
	case "open":
		return nil, p.open(ctx, in)
	case "prepare":
		p.rows, p.batch = eventRows(in.First, in.Count), nil
		if in.Arrow {
			p.batch = toArrow(p.arrowSchema, p.rows)
		}
		return nil, nil
	case "append":
		return p.append(ctx)
	case "location":
		return p.location(ctx)
	case "plan":
		return p.plan(ctx, in)
	}
	return nil, fmt.Errorf("don't know how to %q", in.Do)
}

func main() {
	ctx := context.Background()
	var p peer
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var in request
		if err := json.Unmarshal(lines.Bytes(), &in); err != nil {
			log.Fatal(err)
		}
		result, err := p.answer(ctx, in)
		if err != nil {
			log.Fatal(err)
		}
		text, err := json.Marshal(result)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(text))
	}
}
