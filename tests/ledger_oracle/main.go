// Verifies a ledger with the packages behind Go's checksum database, which know nothing of Doorward.
//
//	verify FOLDER
//
// FOLDER is what `cargo run -p doorward-ledger --example write_log FOLDER LEAVES` writes.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var folder string

func main() {
	folder = os.Args[1]
	key := open(read("key"))
	next := open(read("next-key"))

	// The checkpoint opens with either key, and with both.
	var text string
	for _, keys := range []note.Verifiers{note.VerifierList(key), note.VerifierList(next), note.VerifierList(key, next)} {
		opened, err := note.Open(read("checkpoint"), keys)
		check("checkpoint", err)
		text = opened.Text
	}
	tree := parse(text)
	hashes := tlog.TileHashReader(tree, tiles{})

	leaves := checkLeaves(tree, hashes)
	proofs := checkProofs(tree, hashes, key)
	requests := checkRequests(tree, hashes)
	fmt.Printf("size %d: checkpoint, %d leaves, %d inclusion proofs, %d consistency proofs hold\n", tree.N, leaves, proofs, requests)
}

// tiles reads tiles as C2SP tlog-tiles lays them out: Go's paths without the height.
type tiles struct{}

func (tiles) Height() int                    { return 8 }
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(folder, path))
		if os.IsNotExist(err) {
			full := tile
			full.W = 256
			path = strings.Replace(full.Path(), "tile/8/", "tile/", 1)
			data, err = os.ReadFile(filepath.Join(folder, path))
			if err == nil {
				data = data[:tile.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// checkLeaves hashes every leaf and holds it against the tile that Go has proved from the root.
func checkLeaves(tree tlog.Tree, hashes tlog.HashReader) int64 {
	var index int64
	for index < tree.N {
		width := tree.N - index
		if width > 256 {
			width = 256
		}
		tile := tlog.Tile{H: 8, L: -1, N: index / 256, W: int(width)}
		path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
		bundle := read(path)
		var wanted []int64
		var got []tlog.Hash
		for i := int64(0); i < width; i++ {
			length := int(binary.BigEndian.Uint16(bundle))
			got = append(got, tlog.RecordHash(bundle[2:2+length]))
			bundle = bundle[2+length:]
			wanted = append(wanted, tlog.StoredHashIndex(0, index+i))
		}
		if len(bundle) != 0 {
			fail(path, "more than its leaves")
		}
		stored, err := hashes.ReadHashes(wanted)
		check(path, err)
		for i := range got {
			if got[i] != stored[i] {
				fail(path, fmt.Sprintf("leaf %d", index+int64(i)))
			}
		}
		index += width
	}
	return index
}

func checkProofs(tree tlog.Tree, hashes tlog.HashReader, key note.Verifier) int {
	names, err := filepath.Glob(filepath.Join(folder, "proofs", "*.tlog-proof"))
	check("proofs", err)
	for _, name := range names {
		data, err := os.ReadFile(name)
		check(name, err)
		head, signed, ok := strings.Cut(string(data), "\n\n")
		lines := strings.Split(head, "\n")
		if !ok || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
			fail(name, "form")
		}
		leaf, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
		check(name, err)
		index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
		check(name, err)
		opened, err := note.Open([]byte(signed), note.VerifierList(key))
		check(name, err)
		covered := parse(opened.Text)
		path := tlog.RecordProof(parseHashes(name, lines[3:]))
		check(name, tlog.CheckRecord(path, covered.N, covered.Hash, index, tlog.RecordHash(leaf)))

		// Go makes the very same proof.
		own, err := tlog.ProveRecord(tree.N, index, hashes)
		check(name, err)
		same(name, own, path)
	}
	return len(names)
}

func checkRequests(tree tlog.Tree, hashes tlog.HashReader) int {
	names, err := filepath.Glob(filepath.Join(folder, "requests", "*"))
	check("requests", err)
	for _, name := range names {
		data, err := os.ReadFile(name)
		check(name, err)
		head, _, _ := strings.Cut(string(data), "\n\n")
		lines := strings.Split(head, "\n")
		size, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
		check(name, err)
		path := tlog.TreeProof(parseHashes(name, lines[1:]))
		if size == 0 {
			if len(path) != 0 {
				fail(name, "a path from nothing")
			}
			continue
		}
		old, err := tlog.TreeHash(size, hashes)
		check(name, err)
		check(name, tlog.CheckTree(path, tree.N, tree.Hash, size, old))
		own, err := tlog.ProveTree(tree.N, size, hashes)
		check(name, err)
		same(name, own, path)
	}
	return len(names)
}

func parse(text string) tlog.Tree {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] != "ledger.example/oracle" || lines[3] != "" {
		fail("checkpoint", "form")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check("checkpoint", err)
	root, err := tlog.ParseHash(lines[2])
	check("checkpoint", err)
	return tlog.Tree{N: size, Hash: root}
}

func parseHashes(name string, lines []string) []tlog.Hash {
	var all []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		check(name, err)
		all = append(all, hash)
	}
	return all
}

func same(name string, own, path []tlog.Hash) {
	if len(own) != len(path) {
		fail(name, "another length")
	}
	for i := range own {
		if own[i] != path[i] {
			fail(name, "another path")
		}
	}
}

func open(key []byte) note.Verifier {
	verifier, err := note.NewVerifier(string(key))
	check("key", err)
	return verifier
}

func read(name string) []byte {
	data, err := os.ReadFile(filepath.Join(folder, name))
	check(name, err)
	return data
}

func check(name string, err error) {
	if err != nil {
		fail(name, err.Error())
	}
}

func fail(name, why string) {
	fmt.Fprintf(os.Stderr, "%s: %s\n", name, why)
	os.Exit(1)
}
