// Prints what a library would pull from a registry with, as a credential helper does.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cpuguy83/dockercfg"
	"github.com/docker/cli/cli/config"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/testcontainers/testcontainers-go"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

type login struct{ Username, Secret string }

// ask has a library look for the login of an image's registry; key is docker's key of it.
func ask(library, key, image string) (found login, err error) {
	switch library {
	case "dockercfg":
		found.Username, found.Secret, err = dockercfg.GetRegistryCredentials(key)
	case "docker-cli":
		auth, failed := config.LoadDefaultConfigFile(io.Discard).GetAuthConfig(key)
		found, err = login{auth.Username, auth.Password}, failed
	case "go-containerregistry":
		reference, failed := name.ParseReference(image)
		if failed != nil {
			return found, failed
		}
		keychain, failed := authn.DefaultKeychain.Resolve(reference.Context())
		if failed != nil {
			return found, failed
		}
		auth, failed := keychain.Authorization()
		if failed != nil {
			return found, failed
		}
		found = login{auth.Username, auth.Password}
	case "oras-go":
		store, failed := credentials.NewStoreFromDocker(credentials.StoreOptions{})
		if failed != nil {
			return found, failed
		}
		auth, failed := store.Get(context.Background(), key)
		found, err = login{auth.Username, auth.Password}, failed
	case "testcontainers":
		_, auth, failed := testcontainers.DockerImageAuth(context.Background(), image)
		if failed != nil && !errors.Is(failed, dockercfg.ErrCredentialsNotFound) {
			return found, failed
		}
		found = login{auth.Username, auth.Password}
	default:
		err = fmt.Errorf("no such library: %s", library)
	}
	return found, err
}

func main() {
	found, err := ask(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if found.Username == "" {
		fmt.Println("{}")
		return
	}
	json.NewEncoder(os.Stdout).Encode(found)
}
