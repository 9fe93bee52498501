package v1alpha1

// RedisMode is how a Redis is set up.
//
// +kubebuilder:validation:Enum=Standalone;Sentinel;Cluster
type RedisMode string

// The modes of a Redis.
const (
	// RedisModeStandalone is one Redis server, or one address in front of it.
	RedisModeStandalone RedisMode = "Standalone"
	// RedisModeSentinel is a master with replicas, which sentinels watch.
	RedisModeSentinel RedisMode = "Sentinel"
	// RedisModeCluster is a Redis Cluster.
	RedisModeCluster RedisMode = "Cluster"
)

// Keys of the Secrets that an AsyncQueue names.
const (
	// SecretKeyUsername is the key of the Redis ACL user in
	// credentialsSecretRef. Absent means Redis's default user.
	SecretKeyUsername = "username"
	// SecretKeyPassword is the key of the password in credentialsSecretRef.
	SecretKeyPassword = "password"
	// SecretKeyURI is the key of a whole URL in credentialsSecretRef:
	// redis://host:port/database, redis-sentinel://host:port,.../database?master=name
	// or redis-cluster://host:port,..., each with rediss for TLS. It excludes
	// every other key, and every other field of spec.redis but
	// sentinelCredentialsSecretRef.
	SecretKeyURI = "uri"
	// SecretKeyCA is the key of the PEM certificates in caSecretRef.
	SecretKeyCA = "ca.crt"
	// SecretKeyCert is the key of the PEM client certificate in certSecretRef.
	SecretKeyCert = "tls.crt"
	// SecretKeyPrivateKey is the key of the PEM private key in certSecretRef.
	SecretKeyPrivateKey = "tls.key"
)

// Redis says where the queue lives. addresses, mode, masterName, database and
// tls belong together: without addresses the operator's default Redis is used
// with its own mode, database and TLS. Credentials never come from the
// operator's default, and may stand alone.
//
// +kubebuilder:validation:XValidation:rule="has(self.addresses) || !(has(self.mode) || (has(self.masterName) && self.masterName.size() > 0) || has(self.database) || has(self.tls))",fieldPath=".addresses",message="mode, masterName, database and tls belong to addresses: set redis.addresses too, or leave the four out to use the operator's default Redis"
// +kubebuilder:validation:XValidation:rule="!has(self.addresses) || self.addresses.size() < 2 || (has(self.mode) && self.mode != 'Standalone')",fieldPath=".addresses",message="in the mode Standalone there is exactly one address: leave one, or set redis.mode to Sentinel or Cluster"
// +kubebuilder:validation:XValidation:rule="!has(self.mode) || self.mode != 'Sentinel' || (has(self.masterName) && self.masterName.size() > 0)",fieldPath=".masterName",message="the mode Sentinel needs the name under which the sentinels know the master: set redis.masterName, such as mymaster"
// +kubebuilder:validation:XValidation:rule="!has(self.masterName) || self.masterName.size() == 0 || !has(self.addresses) || (has(self.mode) && self.mode == 'Sentinel')",fieldPath=".masterName",message="masterName belongs to the mode Sentinel: remove it, or set redis.mode to Sentinel"
// +kubebuilder:validation:XValidation:rule="!has(self.mode) || self.mode != 'Cluster' || !has(self.database) || self.database == 0",fieldPath=".database",message="a Redis Cluster has only the database 0: leave redis.database out"
// +kubebuilder:validation:XValidation:rule="!has(self.sentinelCredentialsSecretRef) || !has(self.addresses) || (has(self.mode) && self.mode == 'Sentinel')",fieldPath=".sentinelCredentialsSecretRef",message="sentinelCredentialsSecretRef belongs to the mode Sentinel: remove it, or set redis.mode to Sentinel"
type Redis struct {
	// addresses are host:port pairs, such as redis.default:6379 or
	// [fd00::1]:6379: exactly one of the Redis in the mode Standalone, those of
	// the sentinels in the mode Sentinel, those of some nodes, from which the
	// others are found, in the mode Cluster. Absent means the operator's
	// default Redis.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=262
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?|[[][0-9A-Fa-f:.]+[]]):0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$')",message="an address must be host:port with a port from 1 to 65535, without a scheme, such as redis.default:6379 or [fd00::1]:6379"
	// +listType=atomic
	// +optional
	Addresses []string `json:"addresses,omitempty"`

	// mode is how the Redis is set up. Absent means Standalone. In the mode
	// Cluster the channel must hold a hash tag, such as {orders}.
	// +optional
	Mode RedisMode `json:"mode,omitempty"`

	// masterName is the name under which the sentinels know the master.
	// Required in the mode Sentinel, refused in any other.
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9._-]*$')",message="masterName may hold only letters, digits, '.', '-' and '_', as sentinels take no other"
	// +optional
	MasterName string `json:"masterName,omitempty"`

	// database is the number of the Redis database. Absent means 0, the only
	// one in the mode Cluster.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	// +optional
	Database *int32 `json:"database,omitempty"`

	// credentialsSecretRef names a Secret in the queue's namespace with the
	// keys username and password (username may be missing), or with the single
	// key uri that holds a whole redis:// or rediss:// URL, of sentinels or a
	// cluster too, and excludes the other fields of spec.redis but
	// sentinelCredentialsSecretRef. Workers get it as files, never as
	// environment. Absent means no authentication.
	// +optional
	CredentialsSecretRef *SecretRef `json:"credentialsSecretRef,omitempty"`

	// sentinelCredentialsSecretRef names a Secret in the queue's namespace with
	// the keys username and password (username may be missing) for the
	// sentinels themselves. Absent means that they ask for none.
	// +optional
	SentinelCredentialsSecretRef *SecretRef `json:"sentinelCredentialsSecretRef,omitempty"`

	// tls is how the connections are encrypted, those to sentinels too. Absent
	// means not at all.
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

	// serverName is the name that the server's certificate must carry, and
	// that of each sentinel and node. Absent means the host that is dialled: of
	// the address, or as sentinels and nodes tell it, often an IP address.
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
