// Command native-sdk writes the SDKs of a provider's schema: native-sdk SCHEMA FOLDER makes FOLDER/{nodejs,go,python}.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	gogen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

const (
	tool    = "native-sdk"
	isLocal = true // `npm install` compiles the package, which no registry has
)

// Each generator keeps notes in the package that it is given, so that each gets one of its own.
var generators = map[string]func(*schema.Package, schema.ReferenceLoader) (map[string][]byte, error){
	"nodejs": func(pkg *schema.Package, loader schema.ReferenceLoader) (map[string][]byte, error) {
		return nodejs.GeneratePackage(tool, pkg, nil, nil, isLocal, loader)
	},
	"go": func(pkg *schema.Package, _ schema.ReferenceLoader) (map[string][]byte, error) {
		return gogen.GeneratePackage(tool, pkg, nil)
	},
	"python": func(pkg *schema.Package, loader schema.ReferenceLoader) (map[string][]byte, error) {
		return python.GeneratePackage(tool, pkg, nil, loader)
	},
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: %s SCHEMA FOLDER", tool))
	}
	text, err := os.ReadFile(os.Args[1])
	fail(err)
	for language, generate := range generators {
		fail(write(text, filepath.Join(os.Args[2], language), generate))
	}
}

// write binds the schema and writes one SDK into a folder.
func write(
	text []byte, folder string, generate func(*schema.Package, schema.ReferenceLoader) (map[string][]byte, error),
) error {
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	// Only the built-in package can be referred to: no other is ever loaded.
	loader := schema.NewCachedLoaderWithEntries(nil, map[string]schema.PackageReference{
		"pulumi": schema.DefaultPulumiPackage.Reference(),
	})
	pkg, diagnostics, err := schema.BindSpec(spec, loader, schema.ValidationOptions{})
	for _, diagnostic := range diagnostics {
		fmt.Fprintln(os.Stderr, diagnostic.Error())
	}
	if err != nil {
		return err
	}
	if diagnostics.HasErrors() {
		return fmt.Errorf("%s is no valid schema (see above)", os.Args[1])
	}
	files, err := generate(pkg, loader)
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// fail ends the program with one line, if there is an error.
func fail(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", tool, err)
		os.Exit(1)
	}
}
