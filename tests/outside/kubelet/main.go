// Kubelet's own code for image credential providers, around our executable.
//
// It registers the providers of a CredentialProviderConfig as kubelet does at its start, then reads
// rounds of pulls from standard input, one JSON document a line, and looks up the credentials of a
// round's images at the same time. For each image it writes what kubelet would pull with. The
// tokens of service accounts come with the rounds, in the place of the API server's answers.
//
// Without arguments it answers questions about configurations and manifests; see questions.go.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	authenticationv1 "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/credentialprovider/plugin"
)

// A service account: its annotations, and its token for each audience.
type account struct {
	Annotations map[string]string `json:"annotations"`
	Tokens      map[string]string `json:"tokens"`
}

// Pulls that begin together. Account and Pod are empty for a static pod.
type round struct {
	Images   []string           `json:"images"`
	Account  string             `json:"account"`
	Pod      string             `json:"pod"`
	Accounts map[string]account `json:"accounts"`
}

const namespace = "team"

type cluster struct {
	mutex    sync.Mutex
	accounts map[string]account
}

func (c *cluster) find(name string) (account, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	found, ok := c.accounts[name]
	if !ok {
		return found, fmt.Errorf("serviceaccounts %q not found", name)
	}
	return found, nil
}

func (c *cluster) serviceAccount(_, name string) (*v1.ServiceAccount, error) {
	found, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return &v1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: name, UID: types.UID("uid-" + name), Annotations: found.Annotations,
	}}, nil
}

func (c *cluster) token(_, name string, request *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
	found, err := c.find(name)
	if err != nil {
		return nil, err
	}
	token, ok := found.Tokens[request.Spec.Audiences[0]]
	if !ok {
		return nil, fmt.Errorf("no token for the audience %s", request.Spec.Audiences[0])
	}
	answer := request.DeepCopy()
	answer.Status.Token = token
	return answer, nil
}

func lookUp(r round) [][][2]string {
	found := make([][][2]string, len(r.Images))
	var pulls sync.WaitGroup
	for i, image := range r.Images {
		pulls.Add(1)
		go func() {
			defer pulls.Done()
			keyring := plugin.NewExternalCredentialProviderDockerKeyring(namespace, r.Pod, "uid-"+r.Pod, r.Account)
			logins, _ := keyring.Lookup(image)
			found[i] = [][2]string{}
			for _, login := range logins {
				found[i] = append(found[i], [2]string{login.Username, login.Password})
			}
		}()
	}
	pulls.Wait()
	return found
}

func run(config, folder string) error {
	known := &cluster{}
	if err := plugin.RegisterCredentialProviderPlugins(config, folder, known.token, known.serviceAccount); err != nil {
		return err
	}
	lines, answers := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var next round
		if err := json.Unmarshal(lines.Bytes(), &next); err != nil {
			return err
		}
		known.mutex.Lock()
		known.accounts = next.Accounts
		known.mutex.Unlock()
		if err := answers.Encode(lookUp(next)); err != nil {
			return err
		}
	}
	return lines.Err()
}

func main() {
	defer klog.Flush()
	err := error(nil)
	if len(os.Args) == 1 {
		err = answerQuestions()
	} else {
		err = run(os.Args[1], os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
