package apiserver_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// used is what operators have asked for in the whole suite.
var used = &usedRights{}

// usedRights are rights as "verb group/resource".
type usedRights struct {
	mu     sync.Mutex
	rights map[string]bool
}

// note takes a request and its answer.
func (u *usedRights) note(r *http.Request, status int) {
	verb, resource := rightOf(r)
	if resource == "" || status == http.StatusForbidden {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.rights == nil {
		u.rights = map[string]bool{}
	}
	u.rights[verb+" "+resource] = true
	if verb == "patch" && status == http.StatusCreated { // server-side apply of what was not there
		u.rights["create "+resource] = true
	}
}

func (u *usedRights) has(right string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.rights[right]
}

// rightOf is what a request needs: /apis/GROUP/VERSION[/namespaces/NS]/RESOURCE[/NAME[/SUB]].
func rightOf(r *http.Request) (verb, resource string) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	group := ""
	switch {
	case len(parts) > 2 && parts[0] == "apis":
		group, parts = parts[1], parts[3:]
	case len(parts) > 1 && parts[0] == "api":
		parts = parts[2:]
	default:
		return "", ""
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	if len(parts) == 0 {
		return "", "" // discovery
	}
	resource = group + "/" + parts[0]
	if len(parts) > 2 {
		resource += "/" + parts[2]
	}
	return verbOf(r, len(parts) > 1), resource
}

func verbOf(r *http.Request, hasName bool) string {
	switch r.Method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodGet:
		if r.URL.Query().Has("watch") {
			return "watch"
		}
		if hasName {
			return "get"
		}
		return "list"
	}
	return strings.ToLower(r.Method)
}

// rights lists what rules grant.
func rights(rules []rbacv1.PolicyRule) []string {
	var list []string
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					list = append(list, verb+" "+group+"/"+resource)
				}
			}
		}
	}
	slices.Sort(list)
	return list
}

// withoutRequest are rights that the API server asks for beside a request, with
// the spec that fails where they are missing.
var withoutRequest = []string{
	// "The right to finalizers is needed": owner references that block deletion.
	"update queue.asyncqueue.dev/asyncqueues/finalizers",
}

// A right that is missing fails the spec that needs it, since operators here have
// no others. One that is not used shows only when all specs have run.
var _ = ReportAfterSuite("Every right of the operator is used", func(report Report) {
	if !report.SuiteSucceeded || !ranAll(report) {
		return
	}
	var idle []string
	granted := append(rights(managerRole().Rules), rights(electionRole().Rules)...)
	for _, right := range granted {
		if !used.has(right) && !slices.Contains(withoutRequest, right) {
			idle = append(idle, right)
		}
	}
	if len(idle) > 0 {
		Fail("no operator of the suite uses these rights of config/rbac: remove them, or add a spec that needs them:\n" + strings.Join(idle, "\n"))
	}
})

func ranAll(report Report) bool {
	for _, spec := range report.SpecReports {
		if spec.LeafNodeType == types.NodeTypeIt && spec.State == types.SpecStateSkipped {
			return false
		}
	}
	return true
}

func managerRole() *rbacv1.ClusterRole {
	GinkgoHelper()
	role := &rbacv1.ClusterRole{}
	readFirst("rbac/role.yaml", role)
	return role
}

func electionRole() *rbacv1.Role {
	GinkgoHelper()
	role := &rbacv1.Role{}
	readFirst("rbac/leader_election.yaml", role)
	return role
}

// readFirst reads the first document of a file under config.
func readFirst(file string, into any) {
	GinkgoHelper()
	for i, raw := range documents(file) {
		if i == 0 {
			Expect(yaml.UnmarshalStrict(raw, into)).To(Succeed())
		}
	}
}

// documents are those of a YAML file under config.
func documents(file string) [][]byte {
	GinkgoHelper()
	f, err := os.Open(filepath.Join(projectRoot, "config", filepath.FromSlash(file)))
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = f.Close() }()
	var list [][]byte
	for reader := utilyaml.NewDocumentDecoder(f); ; {
		buffer := make([]byte, 1<<20)
		n, err := reader.Read(buffer)
		if err != nil {
			return list
		}
		if text := strings.TrimSpace(string(buffer[:n])); text != "" {
			list = append(list, buffer[:n])
		}
	}
}

var _ = DescribeTable("A request needs a right", func(method, url, want string) {
	r, err := http.NewRequest(method, "https://host"+url, nil)
	Expect(err).NotTo(HaveOccurred())
	verb, resource := rightOf(r)
	Expect(fmt.Sprintf("%s %s", verb, resource)).To(Equal(want))
},
	Entry(nil, "GET", "/apis/apps/v1/namespaces/a/deployments/b", "get apps/deployments"),
	Entry(nil, "GET", "/apis/apps/v1/deployments?watch=true", "watch apps/deployments"),
	Entry(nil, "GET", "/api/v1/namespaces/a/pods?limit=5", "list /pods"),
	Entry(nil, "PATCH", "/apis/queue.asyncqueue.dev/v1alpha1/namespaces/a/asyncqueues/b/status", "patch queue.asyncqueue.dev/asyncqueues/status"),
	Entry(nil, "POST", "/apis/authentication.k8s.io/v1/tokenreviews", "create authentication.k8s.io/tokenreviews"),
	Entry(nil, "GET", "/apis/apps/v1", " "),
)
