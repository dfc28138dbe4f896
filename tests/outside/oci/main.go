// Validates an OCI image layout with the schemas of the specification's authors.
//
// Source: https://github.com/opencontainers/image-spec/tree/v1.1.1/schema
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/schema"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

var validators = map[string]schema.Validator{
	v1.MediaTypeImageIndex:    schema.ValidatorMediaTypeImageIndex,
	v1.MediaTypeImageManifest: schema.ValidatorMediaTypeManifest,
	v1.MediaTypeImageConfig:   schema.ValidatorMediaTypeImageConfig,
	v1.MediaTypeLayoutHeader:  schema.ValidatorMediaTypeLayoutHeader,
}

func main() {
	layout := os.Args[1]
	validate(v1.MediaTypeLayoutHeader, read(layout, v1.ImageLayoutFile))
	follow(layout, v1.MediaTypeImageIndex, read(layout, v1.ImageIndexFile))
}

// follow validates a document and everything that its descriptors name.
func follow(layout, mediaType string, content []byte) {
	validate(mediaType, content)
	var found struct {
		Manifests, Layers []v1.Descriptor
		Config            *v1.Descriptor
	}
	check(json.Unmarshal(content, &found))
	descriptors := append(found.Manifests, found.Layers...)
	// An image's configuration has a field of the same name with another type.
	if mediaType == v1.MediaTypeImageManifest {
		descriptors = append(descriptors, *found.Config)
	}
	for _, descriptor := range descriptors {
		blob := read(layout, "blobs", string(descriptor.Digest.Algorithm()), descriptor.Digest.Encoded())
		if digest.FromBytes(blob) != descriptor.Digest || int64(len(blob)) != descriptor.Size {
			check(fmt.Errorf("%s is not what its descriptor says", descriptor.Digest))
		}
		fmt.Println(descriptor.MediaType, descriptor.Size)
		if descriptor.MediaType == v1.MediaTypeImageConfig {
			validate(descriptor.MediaType, blob)
		} else if _, known := validators[descriptor.MediaType]; known {
			follow(layout, descriptor.MediaType, blob)
		}
	}
}

func validate(mediaType string, content []byte) {
	check(validators[mediaType].Validate(bytes.NewReader(content)))
}

func read(path ...string) []byte {
	content, err := os.ReadFile(filepath.Join(path...))
	check(err)
	return content
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
