package main

import (
	"fmt"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// What a template may hold at most. The rules walk through these lists, and
// the API server asks for a bound on what a rule may cost.
const (
	maxContainers = 16
	maxEnv        = 500
	maxVolumes    = 200
	maxMounts     = 200
	maxPathLength = 1024
	maxLabels     = 100
	maxNameLength = 253
)

// workerFields are the fields that the container named worker may set.
var workerFields = []string{"name", "image", "resources", "env", "envFrom", "volumeMounts"}

// finish shapes spec.template in the schema of one version.
func finish(root *node) error {
	return edit(root, "spec.template", func(t *node) error {
		stripDescriptions(t)
		for _, step := range []struct {
			path   string
			change func(*node) error
		}{
			{"metadata", shapeMetadata},
			{"metadata.labels", shapeLabels},
			{"metadata.annotations", shapeAnnotations},
			{"spec", shapePod},
			{"spec.containers", shapeContainers},
			{"spec.containers[]", shapeContainer},
			{"spec.containers[].env", shapeEnv},
			{"spec.containers[].volumeMounts", shapeMounts},
			{"spec.initContainers", shapeContainers},
			{"spec.initContainers[]", shapeInitContainer},
			{"spec.ephemeralContainers", shrinkToOpaqueList},
			{"spec.volumes", shapeVolumes},
		} {
			if err := edit(t, step.path, step.change); err != nil {
				return err
			}
		}
		return nil
	})
}

func shapeMetadata(n *node) error {
	for _, field := range fieldNames(n) {
		if field == "labels" || field == "annotations" {
			continue
		}
		refuse(n, field, "!has(self."+field+")",
			"the metadata of a template takes only labels and annotations: remove "+field)
	}
	return nil
}

func shapeLabels(n *node) error {
	n.MaxProperties = pointerTo[int64](maxLabels)
	refuse(n, "", "self.all(k, !(k in ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component', 'app.kubernetes.io/managed-by']) && !k.startsWith('queue.asyncqueue.dev/'))",
		"the labels app.kubernetes.io/name, instance, component and managed-by, and those that begin with queue.asyncqueue.dev/, are the operator's: choose other names")
	return nil
}

func shapeAnnotations(n *node) error {
	n.MaxProperties = pointerTo[int64](maxLabels)
	refuse(n, "", "self.all(k, !k.startsWith('queue.asyncqueue.dev/'))",
		"annotations that begin with queue.asyncqueue.dev/ are the operator's: choose other names")
	return nil
}

// shapePod makes containers optional: a template is merged over the operator's
// pod, which has one.
func shapePod(n *node) error {
	n.Required = slices.DeleteFunc(n.Required, func(f string) bool { return f == "containers" })
	refuse(n, "restartPolicy", "!has(self.restartPolicy) || self.restartPolicy == 'Always'",
		"workers are always restarted: leave restartPolicy out")
	refuse(n, "terminationGracePeriodSeconds", "!has(self.terminationGracePeriodSeconds)",
		"the grace period follows from spec.timeouts.drainSeconds: set that instead")
	refuse(n, "activeDeadlineSeconds", "!has(self.activeDeadlineSeconds)",
		"workers run without a deadline: leave activeDeadlineSeconds out")
	refuse(n, "serviceAccount", "!has(self.serviceAccount)",
		"serviceAccount is deprecated: set serviceAccountName instead")
	refuse(n, "ephemeralContainers", "!has(self.ephemeralContainers)",
		"a template takes no ephemeral containers: add them to a running pod with kubectl debug")
	return nil
}

// shapeContainers bounds the list. Its default is what a Go client's null
// becomes, since PodSpec always writes the field.
func shapeContainers(n *node) error {
	n.MaxItems = pointerTo[int64](maxContainers)
	n.Default = &apiextensionsv1.JSON{Raw: []byte("[]")}
	return edit(n.Items.Schema, "name", func(name *node) error {
		name.MaxLength = pointerTo[int64](maxNameLength)
		return nil
	})
}

// shapeContainer refuses what the operator sets itself in the container
// worker. It walks through the schema's fields, so that a field of a later
// Kubernetes is refused too.
func shapeContainer(n *node) error {
	for _, field := range workerFields {
		if _, ok := n.Properties[field]; !ok {
			return fmt.Errorf("finding %s: there is no such field", field)
		}
	}
	for _, field := range fieldNames(n) {
		if slices.Contains(workerFields, field) {
			continue
		}
		refuse(n, field, "self.name != 'worker' || !has(self."+field+")",
			"the container worker may set only image, resources, env, envFrom and volumeMounts: remove "+field)
	}
	refuse(n, "env", "self.name != 'worker' || !has(self.env) || self.env.all(e, !e.name.startsWith('ASYNCQUEUE_'))",
		"names that begin with ASYNCQUEUE_ are the operator's: set the field of spec that they stand for, or choose another name")
	refuse(n, "volumeMounts", "self.name != 'worker' || !has(self.volumeMounts) || self.volumeMounts.all(m, !m.mountPath.matches('^/(tmp|etc/asyncqueue)/*$') && !m.mountPath.startsWith('/etc/asyncqueue/'))",
		"/tmp and /etc/asyncqueue are mounted by the operator: choose another mountPath")
	refuse(n, "image", "self.name == 'worker' || (has(self.image) && self.image != '')",
		"every container besides worker needs an image: set it")
	return nil
}

func shapeEnv(n *node) error {
	n.MaxItems = pointerTo[int64](maxEnv)
	return edit(n.Items.Schema, "name", func(name *node) error {
		name.MaxLength = pointerTo[int64](maxNameLength)
		return nil
	})
}

func shapeInitContainer(n *node) error {
	refuse(n, "name", "self.name != 'worker'",
		"worker is the name of the container that consumes the queue: choose another name for the init container")
	return nil
}

func shapeMounts(n *node) error {
	n.MaxItems = pointerTo[int64](maxMounts)
	return edit(n.Items.Schema, "mountPath", func(path *node) error {
		path.MaxLength = pointerTo[int64](maxPathLength)
		return nil
	})
}

// shrinkToOpaqueList drops the schema of a list's items, for a list that a
// rule refuses wholly.
func shrinkToOpaqueList(n *node) error {
	*n = node{
		Type: "array",
		Items: &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &node{
			Type:                   "object",
			XPreserveUnknownFields: pointerTo(true),
		}},
	}
	return nil
}

func shapeVolumes(n *node) error {
	n.MaxItems = pointerTo[int64](maxVolumes)
	return edit(n.Items.Schema, "name", func(name *node) error {
		name.MaxLength = pointerTo[int64](maxNameLength)
		refuse(name, "", "!self.startsWith('asyncqueue-')",
			"volumes that begin with asyncqueue- are the operator's: choose another name")
		return nil
	})
}
