package phpserialize

import "testing"

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"f5_demo_attempts_1", "f4_annotation_basic", "f5_demo_wide"} {
		b.Run(name, func(b *testing.B) {
			src := readFile(b, "valid/"+name+".bin")
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			var tree Tree
			for b.Loop() {
				if err := tree.Parse(src, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendNatural(b *testing.B) {
	src := readFile(b, "valid/f5_demo_scalars.bin")
	tree, err := Parse(src)
	if err != nil {
		b.Fatal(err)
	}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = tree.AppendNatural(dst[:0], 0, 1<<20)
	}
}
