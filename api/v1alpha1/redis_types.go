package v1alpha1

// RedisMode is how a Redis is set up.
//
// +kubebuilder:validation:Enum=Standalone
type RedisMode string

// RedisModeStandalone is one Redis server, or one address in front of it.
const RedisModeStandalone RedisMode = "Standalone"

// Keys of the Secrets that an AsyncQueue names.
const (
	// SecretKeyUsername is the key of the Redis ACL user in
	// credentialsSecretRef. Absent means Redis's default user.
	SecretKeyUsername = "username"
	// SecretKeyPassword is the key of the password in credentialsSecretRef.
	SecretKeyPassword = "password"
	// SecretKeyURI is the key of a whole redis:// or rediss:// URL in
	// credentialsSecretRef. It excludes every other key, and every other field
	// of spec.redis.
	SecretKeyURI = "uri"
	// SecretKeyCA is the key of the PEM certificates in caSecretRef.
	SecretKeyCA = "ca.crt"
	// SecretKeyCert is the key of the PEM client certificate in certSecretRef.
	SecretKeyCert = "tls.crt"
	// SecretKeyPrivateKey is the key of the PEM private key in certSecretRef.
	SecretKeyPrivateKey = "tls.key"
)

// Redis says where the queue lives. addresses, mode, database and tls belong
// together: without addresses the operator's default Redis is used with its
// own mode, database and TLS. Credentials never come from the operator's
// default, and may stand alone.
type Redis struct {
	// addresses are the host:port pairs of the Redis, such as
	// redis.default:6379 or [fd00::1]:6379: exactly one in the mode
	// Standalone. Absent means the operator's default Redis.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=262
	// +listType=atomic
	// +optional
	Addresses []string `json:"addresses,omitempty"`

	// mode is how the Redis is set up. Absent means Standalone.
	// +optional
	Mode RedisMode `json:"mode,omitempty"`

	// database is the number of the Redis database. Absent means 0.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	// +optional
	Database *int32 `json:"database,omitempty"`

	// credentialsSecretRef names a Secret in the queue's namespace with the
	// keys username and password (username may be missing), or with the single
	// key uri that holds a whole redis:// or rediss:// URL and excludes the
	// other fields of spec.redis. Workers get it as files, never as
	// environment. Absent means no authentication.
	// +optional
	CredentialsSecretRef *SecretRef `json:"credentialsSecretRef,omitempty"`

	// tls is how the connection is encrypted. Absent means not at all.
	// +optional
	TLS *RedisTLS `json:"tls,omitempty"`
}

// RedisTLS is how the connection to Redis is encrypted.
type RedisTLS struct {
	// enabled turns TLS on. Required; the other fields need it to be true.
	// +required
	Enabled bool `json:"enabled"`

	// caSecretRef names a Secret in the queue's namespace whose key ca.crt
	// holds the PEM certificates that the server's certificate is checked
	// against. Absent means the certificate authorities of the image.
	// +optional
	CASecretRef *SecretRef `json:"caSecretRef,omitempty"`

	// certSecretRef names a Secret in the queue's namespace with a client
	// certificate: PEM, in the keys tls.crt and tls.key. Absent means none.
	// +optional
	CertSecretRef *SecretRef `json:"certSecretRef,omitempty"`

	// serverName is the name that the server's certificate must carry. Absent
	// means the host of the address.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ServerName string `json:"serverName,omitempty"`

	// insecureSkipVerify accepts any server certificate. For tests only.
	// Defaults to false.
	// +optional
	InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`
}

// SecretRef names a Secret in the queue's own namespace.
type SecretRef struct {
	// name is the name of the Secret. Required.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name"`
}
