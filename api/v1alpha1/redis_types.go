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
//
// +kubebuilder:validation:XValidation:rule="has(self.addresses) || !(has(self.mode) || has(self.database) || has(self.tls))",fieldPath=".addresses",message="mode, database and tls belong to addresses: set redis.addresses too, or leave the three out to use the operator's default Redis"
type Redis struct {
	// addresses are the host:port pairs of the Redis, such as
	// redis.default:6379 or [fd00::1]:6379: exactly one in the mode
	// Standalone. Absent means the operator's default Redis.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=262
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?|[[][0-9A-Fa-f:.]+[]]):0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$')",message="an address must be host:port with a port from 1 to 65535, without a scheme, such as redis.default:6379 or [fd00::1]:6379"
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
//
// +kubebuilder:validation:XValidation:rule="self.enabled || !(has(self.caSecretRef) || has(self.certSecretRef) || (has(self.serverName) && self.serverName.size() > 0) || (has(self.insecureSkipVerify) && self.insecureSkipVerify))",fieldPath=".enabled",message="caSecretRef, certSecretRef, serverName and insecureSkipVerify need TLS: set tls.enabled to true, or leave them out"
// +kubebuilder:validation:XValidation:rule="!(has(self.caSecretRef) && has(self.insecureSkipVerify) && self.insecureSkipVerify)",fieldPath=".insecureSkipVerify",message="insecureSkipVerify would ignore caSecretRef: set only one of them"
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
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_.:-]*$')",message="serverName must be a host name or an IP address, without a scheme, such as redis.example.com"
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
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*$')",message="name must be the name of a Secret: lower case letters, digits, - and ., such as orders-redis"
	// +required
	Name string `json:"name"`
}
