package connect

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/types"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

// digestRounds makes guessing a password from the digest on a pod slow. It runs
// once for each version of a Secret.
const digestRounds = 20_000

// relevant are the keys whose change concerns a worker.
var relevant = []string{
	queuev1alpha1.SecretKeyUsername, queuev1alpha1.SecretKeyPassword, queuev1alpha1.SecretKeyURI,
	queuev1alpha1.SecretKeyCA, queuev1alpha1.SecretKeyCert, queuev1alpha1.SecretKeyPrivateKey,
}

func sameData(a, b map[string][]byte) bool {
	return !slices.ContainsFunc(relevant, func(key string) bool { return !bytes.Equal(a[key], b[key]) })
}

// digestOf stands for the content of a Secret in an annotation that more people
// may read than the Secret. It stays the same when the Secret is made anew with
// the same content.
func digestOf(key types.NamespacedName, data map[string][]byte) string {
	sum, err := pbkdf2.Key(sha256.New, contentOf(data), []byte(key.String()), digestRounds, 8)
	if err != nil {
		// Only lengths that the FIPS module refuses lead here; these are constant.
		panic(err)
	}
	return hex.EncodeToString(sum)
}

// contentOf writes the relevant keys so that two contents never read the same.
func contentOf(data map[string][]byte) string {
	var text []byte
	for _, name := range slices.Sorted(maps.Keys(data)) {
		if slices.Contains(relevant, name) {
			text = strconv.AppendQuote(append(text, ' '), name)
			text = strconv.AppendQuote(append(text, '='), string(data[name]))
		}
	}
	return string(text)
}

// processKey makes identities worthless outside of this process.
var processKey = func() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return key
}()

// identityOf tells connections apart without giving away what is in them.
func identityOf(parts ...string) string {
	mac := hmac.New(sha256.New, processKey)
	for _, p := range parts {
		mac.Write(strconv.AppendQuote(nil, p))
	}
	return hex.EncodeToString(mac.Sum(nil)[:12])
}
