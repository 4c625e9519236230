"""The portal, without a browser and with one."""
