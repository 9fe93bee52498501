package guard

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// apiServer knows the tokens of "prometheus", who may get /metrics, and of "visitor",
// who may not. It counts what it is asked.
type apiServer struct {
	*httptest.Server
	asked int
}

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	s := &apiServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked++
		w.Header().Set("Content-Type", "application/json")
		var answer any
		switch r.URL.Path {
		case "/apis/authentication.k8s.io/v1/tokenreviews":
			review := &authenticationv1.TokenReview{}
			_ = json.NewDecoder(r.Body).Decode(review)
			user := review.Spec.Token
			review.Status.Authenticated = user == "prometheus" || user == "visitor"
			review.Status.User = authenticationv1.UserInfo{Username: user, Groups: []string{"scrapers"}, Extra: map[string]authenticationv1.ExtraValue{"pod": {"prometheus-0"}}}
			review.TypeMeta = metav1.TypeMeta{APIVersion: "authentication.k8s.io/v1", Kind: "TokenReview"}
			answer = review
		case "/apis/authorization.k8s.io/v1/subjectaccessreviews":
			review := &authorizationv1.SubjectAccessReview{}
			_ = json.NewDecoder(r.Body).Decode(review)
			at := review.Spec.NonResourceAttributes
			review.Status.Allowed = review.Spec.User == "prometheus" && review.Spec.Groups[0] == "scrapers" &&
				review.Spec.Extra["pod"][0] == "prometheus-0" && at.Path == "/metrics" && at.Verb == "get"
			review.TypeMeta = metav1.TypeMeta{APIVersion: "authorization.k8s.io/v1", Kind: "SubjectAccessReview"}
			answer = review
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(s.Close)
	return s
}

// guarded is a handler that answers 200 to those who are let in.
func (s *apiServer) guarded(t *testing.T) http.Handler {
	t.Helper()
	config := &rest.Config{Host: s.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
	filter, err := Filter(config, s.Client())
	if err != nil {
		t.Fatal(err)
	}
	handler, err := filter(logr.Discard(), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

func status(t *testing.T, h http.Handler, method, path, authorization string) int {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, request)
	return answer.Code
}

func TestFilter(t *testing.T) {
	tests := map[string]struct {
		method, path, authorization string
		want                        int
	}{
		"who may":              {http.MethodGet, "/metrics", "Bearer prometheus", http.StatusOK},
		"who may not":          {http.MethodGet, "/metrics", "Bearer visitor", http.StatusForbidden},
		"with another method":  {http.MethodPost, "/metrics", "Bearer prometheus", http.StatusForbidden},
		"on another path":      {http.MethodGet, "/debug", "Bearer prometheus", http.StatusForbidden},
		"with a stale token":   {http.MethodGet, "/metrics", "Bearer nobody", http.StatusUnauthorized},
		"with an empty token":  {http.MethodGet, "/metrics", "Bearer ", http.StatusUnauthorized},
		"with a password":      {http.MethodGet, "/metrics", "Basic prometheus", http.StatusUnauthorized},
		"who does not say who": {http.MethodGet, "/metrics", "", http.StatusUnauthorized},
	}
	s := newAPIServer(t)
	h := s.guarded(t)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			first := status(t, h, tc.method, tc.path, tc.authorization)
			asked := s.asked
			if again := status(t, h, tc.method, tc.path, tc.authorization); first != tc.want || again != tc.want {
				t.Errorf("%d and %d, want %d", first, again, tc.want)
			}
			if s.asked != asked {
				t.Error("the API server was asked the same again within a moment")
			}
		})
	}
}

func TestNobodyIsLetInWhileTheAPIServerIsAway(t *testing.T) {
	s := newAPIServer(t)
	h := s.guarded(t)
	s.Close()
	if got := status(t, h, http.MethodGet, "/metrics", "Bearer prometheus"); got != http.StatusInternalServerError {
		t.Errorf("%d, want 500", got)
	}
}
