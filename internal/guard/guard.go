// Package guard asks the API server who may read what a program serves. It does what
// controller-runtime's own filter does, which would double the size of the program.
package guard

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	// yesLasts and noLasts are how long an answer counts, remembered how many do.
	yesLasts, noLasts = time.Minute, 10 * time.Second
	remembered        = 256
	// patience is how long the API server may take for an answer.
	patience = 10 * time.Second
)

// Filter lets a request through where the API server knows its bearer token, and
// allows that user the request's method on its path. The program needs the right to
// create TokenReviews and SubjectAccessReviews. Others are answered 401 and 403; 500
// where the API server cannot be asked.
func Filter(config *rest.Config, via *http.Client) (metricsserver.Filter, error) {
	authentication, err := authenticationclient.NewForConfigAndClient(config, via)
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	authorization, err := authorizationclient.NewForConfigAndClient(config, via)
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	g := &guard{tokens: authentication.TokenReviews(), access: authorization.SubjectAccessReviews(), answers: cache.NewLRUExpireCache(remembered)}
	return func(log logr.Logger, next http.Handler) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			status, err := g.judge(request)
			switch {
			case err != nil:
				log.Error(err, "Nobody can be let in")
				http.Error(w, "the API server cannot be asked who you are", http.StatusInternalServerError)
			case status != http.StatusOK:
				http.Error(w, http.StatusText(status), status)
			default:
				next.ServeHTTP(w, request)
			}
		}), nil
	}, nil
}

// guard is safe for concurrent use.
type guard struct {
	tokens  authenticationclient.TokenReviewInterface
	access  authorizationclient.SubjectAccessReviewInterface
	answers *cache.LRUExpireCache
}

// question is what an answer is remembered by. The token itself is not kept.
type question struct {
	token        [sha256.Size]byte
	method, path string
}

// judge returns 200 where the request may go on.
func (g *guard) judge(request *http.Request) (status int, err error) {
	token, isBearer := strings.CutPrefix(request.Header.Get("Authorization"), "Bearer ")
	if !isBearer || token == "" {
		return http.StatusUnauthorized, nil
	}
	asked := question{token: sha256.Sum256([]byte(token)), method: request.Method, path: request.URL.Path}
	if answer, ok := g.answers.Get(asked); ok {
		return answer.(int), nil
	}
	ctx, cancel := context.WithTimeout(request.Context(), patience)
	defer cancel()
	if status, err = g.ask(ctx, token, request); err != nil {
		return 0, err
	}
	lasts := noLasts
	if status == http.StatusOK {
		lasts = yesLasts
	}
	g.answers.Add(asked, status, lasts)
	return status, nil
}

func (g *guard) ask(ctx context.Context, token string, request *http.Request) (status int, err error) {
	who, err := g.tokens.Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("asking whose token it is: %w", err)
	}
	if !who.Status.Authenticated {
		return http.StatusUnauthorized, nil
	}
	user := who.Status.User
	extra := make(map[string]authorizationv1.ExtraValue, len(user.Extra))
	for name, values := range user.Extra {
		extra[name] = authorizationv1.ExtraValue(values)
	}
	may, err := g.access.Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: request.URL.Path, Verb: strings.ToLower(request.Method)},
	}}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("asking what %s may do: %w", user.Username, err)
	}
	if !may.Status.Allowed {
		return http.StatusForbidden, nil
	}
	return http.StatusOK, nil
}
