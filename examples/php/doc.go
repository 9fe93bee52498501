// Package php is an example without Go: its test runs job.php with the PHP that is
// installed.
package php
