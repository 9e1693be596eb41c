// Command native-sdk writes the SDKs of a provider's schema: native-sdk SCHEMA FOLDER makes FOLDER/{nodejs,go,python}.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/blang/semver"
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
var generators = map[string]func(*schema.Package) (map[string][]byte, error){
	"nodejs": func(pkg *schema.Package) (map[string][]byte, error) {
		return nodejs.GeneratePackage(tool, pkg, nil, nil, isLocal, alone{})
	},
	"go": func(pkg *schema.Package) (map[string][]byte, error) {
		return gogen.GeneratePackage(tool, pkg, nil)
	},
	"python": func(pkg *schema.Package) (map[string][]byte, error) {
		return python.GeneratePackage(tool, pkg, nil, alone{})
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
	text []byte, folder string, generate func(*schema.Package) (map[string][]byte, error),
) error {
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	pkg, diagnostics, err := schema.BindSpec(spec, alone{}, schema.ValidationOptions{})
	for _, diagnostic := range diagnostics {
		fmt.Fprintln(os.Stderr, diagnostic.Error())
	}
	if err != nil {
		return err
	}
	if diagnostics.HasErrors() {
		return fmt.Errorf("%s is no valid schema (see above)", os.Args[1])
	}
	files, err := generate(pkg)
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

// alone loads the built-in package: the schema refers to no other.
type alone struct{}

func (alone) LoadPackageReferenceV2(
	_ context.Context, wanted *schema.PackageDescriptor,
) (schema.PackageReference, error) {
	if wanted.Name == "pulumi" {
		return schema.DefaultPulumiPackage.Reference(), nil
	}
	return nil, fmt.Errorf("the schema refers to another package, %s", wanted.Name)
}

func (a alone) LoadPackageReference(name string, version *semver.Version) (schema.PackageReference, error) {
	return a.LoadPackageReferenceV2(context.Background(), &schema.PackageDescriptor{Name: name, Version: version})
}

func (a alone) LoadPackageV2(ctx context.Context, wanted *schema.PackageDescriptor) (*schema.Package, error) {
	found, err := a.LoadPackageReferenceV2(ctx, wanted)
	if err != nil {
		return nil, err
	}
	return found.Definition()
}

func (a alone) LoadPackage(name string, version *semver.Version) (*schema.Package, error) {
	return a.LoadPackageV2(context.Background(), &schema.PackageDescriptor{Name: name, Version: version})
}

// fail ends the program with one line, if there is an error.
func fail(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", tool, err)
		os.Exit(1)
	}
}
