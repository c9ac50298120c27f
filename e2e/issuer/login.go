package issuer

import (
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
)

//go:embed login.html
var loginHTML string

//go:embed login.css
var loginCSS []byte

// choice is one line of the login page: a person in one of their roles.
type choice struct {
	Subject, Name string
	Role          Role
}

// showLogin lists everybody who may be chosen.
func (i *Issuer) showLogin(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	if _, err := i.store.signIn(id); err != nil {
		http.Error(w, "This sign-in is unknown or has expired. Start again from the application.", http.StatusBadRequest)
		return
	}
	page, err := template.New("login").Parse(loginHTML)
	if err != nil {
		i.config.Log.Error("parse login page", "error", err)
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	data := struct {
		Base, ID string
		Choices  []choice
	}{i.config.URL, id, i.choices()}
	if err := page.Execute(w, data); err != nil {
		i.config.Log.Error("write login page", "error", err)
	}
}

func (i *Issuer) choices() []choice {
	var choices []choice
	for _, person := range i.config.People {
		for _, role := range person.Roles {
			choices = append(choices, choice{person.Subject, person.Name, role})
		}
	}
	return choices
}

// acceptLogin takes the choice and hands the browser back to the protocol.
func (i *Issuer) acceptLogin(w http.ResponseWriter, r *http.Request) {
	person, known := i.store.people[r.PostFormValue("subject")]
	roleID := r.PostFormValue("role")
	if _, holds := person.role(roleID); !known || !holds {
		http.Error(w, "Nobody of that name holds that role.", http.StatusBadRequest)
		return
	}
	id := r.PostFormValue("id")
	if err := i.store.complete(id, person, roleID); err != nil {
		http.Error(w, "This sign-in is unknown or has expired. Start again from the application.", http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, i.config.URL+"/authorize/callback?id="+url.QueryEscape(id), http.StatusSeeOther)
}

func serveLoginStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	// An error means that the caller has gone: there is nobody to tell.
	w.Write(loginCSS)
}
