package v1alpha1

// Handler is what a worker does with a message: exactly one of its fields is
// set.
//
// +kubebuilder:validation:XValidation:rule="has(self.http) != has(self.exec)",message="set exactly one of handler.http and handler.exec; leave handler out where the image brings its own handlers"
type Handler struct {
	// http sends each message as a CloudEvent to a URL.
	// +optional
	HTTP *HTTPHandler `json:"http,omitempty"`

	// exec runs a command for each message, inside the worker container.
	// +optional
	Exec *ExecHandler `json:"exec,omitempty"`
}

// HTTPHandler sends each message as a CloudEvent to a URL. A 2xx answer
// acknowledges the message; 408, 425, 429, 3xx, 5xx and no answer retry it; any
// other 4xx fails it at once.
type HTTPHandler struct {
	// url is where messages are sent with POST, over http or https: a sidecar
	// of the template or a service. It holds no user name or password.
	// Required.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",message="url must be absolute, with http or https and a host, such as http://127.0.0.1:8080/jobs"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[^/]*//[^/?]*@')",message="url may hold no user name or password, since they would show in the pod: remove the part before the @"
	// +required
	URL string `json:"url"`
}

// ExecHandler runs a command for each message. Exit code 0 acknowledges the
// message, 75 retries it, 65 drops it, any other is a failed attempt.
type ExecHandler struct {
	// command is the program and its arguments, without a shell. The program
	// is looked up in image or, where image is absent, in the image of the
	// container worker, which spec.template sets. The message comes on
	// standard input. Required.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=4096
	// +kubebuilder:validation:XValidation:rule="self.size() == 0 || self[0] != ''",message="the first item of command is the program and may not be empty"
	// +listType=atomic
	// +required
	Command []string `json:"command"`

	// image is any image that has the command; it needs no worker program,
	// which the operator brings in from its own worker image. The container
	// worker then runs this image, as user 65532 and with a read-only root
	// unless spec.template says otherwise. Absent means that the image of the
	// container worker has a worker of its own as entry point: the operator's
	// image, or one that was built on it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches(r'^[^\\s]+$')",message="image may hold no white space: give one reference, such as my/app:1"
	// +optional
	Image string `json:"image,omitempty"`
}
