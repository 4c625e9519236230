# Which units there are, for the maintainer scripts; put at the top of each of them.
ENABLED="lychgate-resolver.service lychgate-recorder.service lychgate-portal.service
 lychgate-lists.timer lychgate-lists.path lychgate-checks.timer lychgate-backup.timer"
SOCKETS="lychgate-resolver.socket lychgate-portal.socket lychgate-block-page.socket
 lychgate-block-page-tls.socket"
JOBS="lychgate-lists.service lychgate-checks.service lychgate-backup.service"
CONFIG=/etc/lychgate/lychgate.toml
