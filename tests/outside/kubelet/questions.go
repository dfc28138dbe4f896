package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/credentialprovider/plugin"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
	"sigs.k8s.io/yaml"
)

// What kubelet says of a configuration at its start; "" where it starts. A name that an earlier
// configuration has registered comes after all checks.
func refusal(config, folder string) (said string) {
	defer func() {
		if again := recover(); again != nil {
			if !strings.Contains(fmt.Sprint(again), "registered twice") {
				panic(again)
			}
		}
	}()
	if err := plugin.RegisterCredentialProviderPlugins(config, folder, nil, nil); err != nil {
		return err.Error()
	}
	return ""
}

// Whether a role and its binding let a node ask for a token of a service account. The attributes
// are those of validateNodeServiceAccountAudience in plugin/pkg/admission/noderestriction.
func isAllowed(manifest, audience string) (bool, error) {
	roleText, bindingText, _ := strings.Cut(manifest, "---\n")
	var role rbacv1.ClusterRole
	var binding rbacv1.ClusterRoleBinding
	if err := yaml.UnmarshalStrict([]byte(roleText), &role); err != nil {
		return false, err
	}
	if err := yaml.UnmarshalStrict([]byte(bindingText), &binding); err != nil {
		return false, err
	}
	if binding.RoleRef.Name != role.Name || binding.RoleRef.Kind != role.Kind {
		return false, fmt.Errorf("the binding is for %s", binding.RoleRef.Name)
	}
	if subject := binding.Subjects[0]; subject.Kind != rbacv1.GroupKind || subject.Name != user.NodesGroup {
		return false, fmt.Errorf("the binding is for %s %s", subject.Kind, subject.Name)
	}
	return rbac.RulesAllow(authorizer.AttributesRecord{
		User:            &user.DefaultInfo{Name: "system:node:a", Groups: []string{user.NodesGroup}},
		Verb:            "request-serviceaccounts-token-audience",
		Namespace:       "team",
		APIVersion:      "v1",
		Resource:        audience,
		Name:            "app",
		ResourceRequest: true,
	}, role.Rules...), nil
}

func answer(question []string) (any, error) {
	switch question[0] {
	case "configuration":
		return refusal(question[1], question[2]), nil
	case "match":
		return credentialprovider.URLsMatchStr(question[1], question[2])
	case "role":
		return isAllowed(question[1], question[2])
	case "daemon set":
		return nil, yaml.UnmarshalStrict([]byte(question[1]), &appsv1.DaemonSet{})
	}
	return nil, fmt.Errorf("unknown question")
}

// Answers questions about configurations and manifests, one JSON list a line: with a JSON list of
// the answer and the error.
func answerQuestions() error {
	lines, answers := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var question []string
		if err := json.Unmarshal(lines.Bytes(), &question); err != nil {
			return err
		}
		found, err := answer(question)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if err := answers.Encode([]any{found, said}); err != nil {
			return err
		}
	}
	return lines.Err()
}
